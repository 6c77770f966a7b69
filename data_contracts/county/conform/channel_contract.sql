-- conformed.channel_contract of the county.
select
    contract.cust_no                        as customer_no,
    party.party_id,
    case contract.eb_channel
        when '03' then 'mobile' when '04' then 'web' when '10' then 'wechat_bank' when '11' then 'sms'
        when '12' then 'qr_acquiring' when '13' then 'etc' when '14' then 'fast_pay'
        when '15' then 'credit_limit_online' when '16' then 'medical_card' when '17' then 'parking'
        when '18' then 'utility_auto_pay' when '19' then 'payroll_agreement' when '20' then 'wealth_auto_invest'
    end                                     as service,
    contract.sign_date                      as signed_date,
    contract.status = '1'                   as active,
    contract.last_use                       as last_used_date,
    contract.business_date,
    contract.known_at,
    'eb_sign'                               as _feed,
    contract._delivery,
    contract._row_no
from staged.eb_sign as contract
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = contract.cust_no
