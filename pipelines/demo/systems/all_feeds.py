"""The 54 feeds beside core banking and loans: planned with the bank, completed as its books are posted, and written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.demo.delivery import Delivery, contract_of
from pipelines.demo.ledger import Posted
from pipelines.demo.systems import (
    bureau,
    card,
    channel,
    credit,
    crm,
    finance,
    firms,
    hr,
    partner,
    public,
    relations,
    service,
)
from pipelines.demo.systems.acquiring import Merchants
from pipelines.demo.systems.chain import Chain
from pipelines.demo.systems.feeds import Feed
from pipelines.demo.systems.general_ledger import GeneralLedger
from pipelines.demo.systems.wealth import Wealth
from pipelines.demo.systems.world import World


class Systems:
    """All further systems of one bank."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.firms = firms.draw(world)
        self.merchants = Merchants(self.firms)
        self.ledger, self.wealth = GeneralLedger(world), Wealth(world)
        shops = self.merchants.mc_merchant()
        self.cards = card.draw(world, shops.night(world.span.start)["merchant_id"])
        platform = credit.Credit(world)
        self._steady: dict[str, Feed] = {
            "cb_cust_corp": firms.cb_cust_corp(self.firms), "cb_fx": finance.cb_fx(world),
            "cc_acct": self.cards.accounts, "cc_txn": self.cards.bookings, "cc_inst": self.cards.instalments,
            "eb_sign": channel.eb_sign(world), "eb_event": channel.eb_event(world),
            "crm_grid": crm.crm_grid(world), "crm_visit": crm.crm_visit(world),
            "crm_campaign": crm.crm_campaign(world), "crm_touch": crm.crm_touch(world),
            "bc_app": platform.bc_app(), "bc_collateral": platform.bc_collateral(), "bc_guarantee": platform.bc_guarantee(),
            "bc_collect": platform.bc_collect(), "bc_fin": credit.bc_fin(self.firms),
            "bc_relation": relations.bc_relation(self.firms), "bc_list": relations.bc_list(self.firms),
            "px_tax": partner.px_tax(self.firms), "px_social": partner.px_social(self.firms), "px_shop": partner.px_shop(self.firms),
            "px_util": partner.px_util(self.firms), "px_village": partner.px_village(world), "px_control": partner.px_control(world),
            "px_reg": public.px_reg(self.firms), "px_share": public.px_share(self.firms), "px_env": public.px_env(self.firms),
            "px_court": public.px_court(world), "px_fraud": public.px_fraud(world), "px_macro": public.px_macro(world),
            "mc_merchant": shops, "cu_points": service.cu_points(world),
            "fb_survey": service.fb_survey(world), "fb_complaint": service.fb_complaint(world),
            "hr_emp": hr.hr_emp(world), "hr_kpi": hr.hr_kpi(world), "hr_learn": hr.hr_learn(world),
            "ma_ftp": finance.ma_ftp(world), "ma_param": finance.ma_param(world),
            **Chain(self.firms, platform).feeds(), **bureau.Bureau(world, self.firms, platform, self.cards).feeds(),
        }  # fmt: skip
        self._booked: tuple[int, Mapping[str, Feed]] | None = None

    def post(self, posted: Posted) -> None:
        """Take in what was booked on some days."""
        for system in (self.ledger, self.wealth, self.merchants):
            system.post(posted)

    def feeds(self, last: int) -> Mapping[str, Feed]:
        """All feeds, with what follows from the books up to a day."""
        if self._booked is None or self._booked[0] != last:
            booked: dict[str, Feed] = {
                "cb_gl": self.ledger.feed(self.cards.accounts.rows, last), "mc_day": self.merchants.mc_day(last), **self.wealth.feeds(),
            }  # fmt: skip
            self._booked = (last, booked)
        return {**self._steady, **self._booked[1]}

    def write_history(self, landing: Path) -> None:
        """The history of every feed that has one."""
        for feed, rows in self.feeds(self.world.span.end).items():
            contract = contract_of(feed)
            if contract.format("history") is not None:
                with Delivery(landing, contract, self.world.span.end, history=True) as file:
                    for block in rows.history():
                        file.write(block)

    def write_night(self, landing: Path, night: int) -> None:
        """A night's file of every feed, also of those that have nothing new."""
        for feed, rows in self.feeds(night).items():
            with Delivery(landing, feed, night) as file:
                file.write(rows.night(night))
