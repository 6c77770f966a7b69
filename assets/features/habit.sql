-- What single kinds of movements say of a party: subsidies of a year, spending by merchant category, gambling and night
-- payments of a month. Reversed rows count nowhere; what the bank books by itself in the night is no act of the party.
-- Merchant categories of ISO 18245; medical ones are not looked at.
with movement as (
    select
        party_id,
        event_date,
        event_time,
        direction,
        amount,
        type,
        direction = 'D' and event_date > $as_of - 90 as is_spending,
        direction = 'D' and event_date > $as_of - 30 as is_payment,
        direction = 'D' and event_date > $as_of - 30 and coalesce(channel <> 'batch', true) as is_act,
        direction = 'D' and mcc in ('5541', '5542', '4784', '7523') as is_driving,
        (year($as_of + 1) * 12 + month($as_of + 1)) - (year(event_date) * 12 + month(event_date)) as months_ago,
        mcc,
        mcc = '7995' or strpos('|' || $watched_payees || '|', '|' || counterparty_name || '|') > 0 as is_watched,
        strpos('|' || $farm_payees || '|', '|' || counterparty_name || '|') > 0 as is_farm_shop,
        direction = 'C' and event_date = $as_of and not own_transfer
        and type not in ('fast_pay', 'pos', 'wealth', 'loan_disbursement') as is_income_of_today
    from conformed.transaction_history
    where event_date <= $as_of and event_date > $as_of - 365 and not reversal
        and (type = 'subsidy' or event_date > $as_of - 90 or (mcc is not null and event_date > $as_of - 180))
)
select
    party_id,
    coalesce(sum(case when type = 'subsidy' and direction = 'C' then amount end), 0) as subsidies,
    count(case when is_payment and type = 'fast_pay' then 1 end) as quick_payments,
    coalesce(sum(case when is_payment and type = 'fast_pay' then amount end), 0) as quick_amount,
    max(case when is_income_of_today then amount end) as largest_today,
    coalesce(sum(
        case
            when is_spending and mcc in ('5411', '5422', '5451', '5462', '5499', '5310', '5311', '5331') then amount
        end
    ), 0) as daily,
    coalesce(sum(
        case when is_spending and mcc in ('5811', '5812', '5813', '5814') then amount end
    ), 0) as catering,
    coalesce(sum(
        case
            when is_spending
                and (mcc between '3000' and '3999' or mcc in ('4111', '4112', '4511', '4722', '7011')) then amount
        end
    ), 0) as travel,
    coalesce(sum(
        case when is_spending and mcc in ('8211', '8220', '8241', '8244', '8299') then amount end
    ), 0) as education,
    coalesce(sum(
        case
            when is_spending
                and mcc in ('1520', '1711', '1731', '5200', '5211', '5251', '5712', '5714', '5718', '5722') then amount
        end
    ), 0) as home,
    coalesce(sum(
        case when is_spending and mcc in ('0763', '0742', '5191', '5083', '5193', '5261') then amount end
    ), 0) as farm,
    count(case when is_spending and is_farm_shop then 1 end) as farm_shops,
    count(
        case when direction = 'D' and event_date > $as_of - 180 and mcc in ('8211', '8220', '8299') then 1 end
    ) as tuitions,
    max(case when is_driving and months_ago = 1 then 1 else 0 end)
    + max(case when is_driving and months_ago = 2 then 1 else 0 end)
    + max(case when is_driving and months_ago = 3 then 1 else 0 end) as driving_months,
    count(case when is_payment and is_watched then 1 end) as watched_payments,
    coalesce(sum(case when is_payment and is_watched then amount end), 0) as watched_amount,
    count(case when is_act and hour(event_time) < 5 then 1 end) as night_payments,
    coalesce(sum(case when is_act and hour(event_time) < 5 then amount end), 0) as night_amount,
    coalesce(sum(case when is_act then amount end), 0) as act_amount,
    count(case when is_act and event_time is null then 1 end) as acts_without_time
from movement
group by party_id
