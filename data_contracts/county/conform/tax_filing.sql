-- conformed.tax_filing of the county.
select
    filing.uscc                             as credit_code,
    party.party_id,
    filing.period                           as month,
    filing.grade,
    filing.sales,
    filing.tax_paid,
    filing.arrear_amt                       as arrears,
    filing.late_files                       as late_filings,
    filing.zero_file = '1'                  as zero_declared,
    filing.red_amt                          as red_letter_amount,
    filing.inv_amt                          as invoiced_amount,
    filing.inv_days                         as invoice_days,
    filing.top1_buyer                       as largest_buyer_share,
    filing.auth_no                          as authorisation_no,
    filing.business_date,
    filing.known_at,
    'px_tax'                                as _feed,
    filing._delivery,
    filing._row_no
from staged.px_tax as filing
left join parties.party_map as party
    on party.source_system = 'document' and party.cust_no = filing.uscc
