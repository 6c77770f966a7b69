-- conformed.environment_penalty of the county.
select
    penalty.doc_no                          as document_id,
    penalty.uscc                            as credit_code,
    party.party_id,
    penalty.pub_date                        as published_date,
    case penalty.kind
        when '1' then 'warning' when '2' then 'fine' when '3' then 'production_limit' when '4' then 'halt'
        when '5' then 'permit_revoked' when '6' then 'detention'
    end                                     as kind,
    penalty.amount,
    case penalty.env_grade
        when 'G' then 'green' when 'B' then 'blue' when 'Y' then 'yellow' when 'R' then 'red' when 'K' then 'black'
    end                                     as grade,
    penalty.closed = '1'                    as corrected,
    penalty.business_date,
    penalty.known_at,
    'px_env'                                as _feed,
    penalty._delivery,
    penalty._row_no
from staged.px_env as penalty
left join parties.party_map as party
    on party.source_system = 'document' and party.cust_no = penalty.uscc
