-- conformed.account_control of the county.
select
    request.req_no                          as request_id,
    request.orig_req_no                     as released_request_id,
    case request.authority
        when '1' then 'court' when '2' then 'police' when '3' then 'procuratorate'
        when '4' then 'discipline_supervision' when '5' then 'tax' when '6' then 'customs'
        when '7' then 'state_security'
    end                                     as authority,
    case request.action
        when '1' then 'query' when '2' then 'freeze' when '3' then 'wait_list_freeze' when '4' then 'unfreeze'
        when '5' then 'deduct' when '6' then 'stop_payment'
    end                                     as action,
    party.party_id,
    request.acct_no                         as account_id,
    request.amount,
    request.act_date                        as acted_date,
    request.expire_date                     as expiry_date,
    request.fraud_case = '1'                as fraud_case,
    request.business_date,
    request.known_at,
    'px_control'                            as _feed,
    request._delivery,
    request._row_no
from staged.px_control as request
left join parties.party_map as party
    on party.source_system = 'core' and party.cust_no = request.cust_no
