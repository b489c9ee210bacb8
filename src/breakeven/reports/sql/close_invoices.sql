-- Which invoices the days of a period were held against.
SELECT
    provider, invoice, invoice_digest, CAST(count(*) AS BIGINT) AS days, sum(metered) AS metered, sum(adjusted) AS adjusted
FROM reconciliations
WHERE day >= CAST($start AS TIMESTAMP) AND day < CAST($end AS TIMESTAMP) {recorded}
GROUP BY ALL
ORDER BY ALL
