-- What was metered of some vendors by day, before adjustments of invoices.
SELECT provider, day, sum(cost) AS cost
FROM rollup_costs
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) AND kind NOT LIKE 'invoice:%'
    AND provider IN (SELECT unnest(CAST($providers AS VARCHAR[])))
GROUP BY ALL
HAVING sum(cost) IS NOT NULL
