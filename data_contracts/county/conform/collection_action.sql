-- conformed.collection_action of the county.
select
    action.act_id                           as action_id,
    cast(action.act_ts as date)             as event_date,
    cast(action.act_ts as time)             as event_time,
    action.due_no                           as receipt_id,
    case action.mode
        when '1' then 'sms' when '2' then 'call' when '3' then 'visit' when '4' then 'letter' when '5' then 'lawyer'
        when '6' then 'lawsuit' when '7' then 'outsourced'
    end                                     as mode,
    case action.result
        when '1' then 'promise' when '2' then 'no_answer' when '3' then 'refused' when '4' then 'wrong_number'
        when '5' then 'paid' when '6' then 'dispute'
    end                                     as result,
    action.ptp_date                         as promised_date,
    action.ptp_amt                          as promised_amount,
    action.business_date,
    action.known_at,
    'bc_collect'                            as _feed,
    action._delivery,
    action._row_no
from staged.bc_collect as action
