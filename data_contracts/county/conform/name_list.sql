-- conformed.name_list of the county.
select
    listed.list_id,
    party.party_id,
    case listed.list_color
        when 'B' then 'black' when 'G' then 'grey' when 'W' then 'white'
    end                                     as colour,
    case listed.list_kind
        when 'B01' then 'fraud' when 'B02' then 'police_anti_fraud' when 'B03' then 'dishonest_by_court'
        when 'B04' then 'internal_default' when 'B05' then 'sanctions' when 'B06' then 'account_rental'
        when 'G01' then 'watch' when 'G02' then 'negative_in_village' when 'G03' then 'many_lenders'
        when 'G04' then 'contact_lost' when 'W01' then 'village_pre_credit' when 'W02' then 'payroll'
        when 'W03' then 'wealth' when 'W04' then 'quality_merchant' when 'W05' then 'civil_servant'
        when 'W06' then 'tax_grade_a'
    end                                     as kind,
    listed.eff_date                         as effective_date,
    listed.exp_date                         as expiry_date,
    listed.reason,
    listed.source,
    listed.business_date,
    listed.known_at,
    'bc_list'                               as _feed,
    listed._delivery,
    listed._row_no
from staged.bc_list as listed
left join parties.party_map as party
    on party.source_system = 'document' and party.cust_no = listed.id_no
