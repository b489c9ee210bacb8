-- What each vendor's models cost, what invoices have adjusted, and how much of the metered cost lies on days that tie with an invoice.
WITH tied AS (SELECT DISTINCT provider AS tied_provider, CAST(day AS DATE) AS tied_day FROM reconciliations WHERE TRUE {recorded})
SELECT
    costs.provider, costs.model,
    coalesce(sum(cost) FILTER (WHERE kind NOT LIKE 'invoice:%'), 0) AS metered,
    coalesce(sum(cost) FILTER (WHERE kind LIKE 'invoice:%'), 0) AS adjusted,
    coalesce(sum(cost) FILTER (WHERE kind NOT LIKE 'invoice:%' AND tied_day IS NOT NULL), 0) AS tied
FROM {costs} AS costs
LEFT JOIN tied ON tied_provider = costs.provider AND tied_day = costs.day
WHERE costs.day >= CAST($start AS DATE) AND costs.day < CAST($end AS DATE) {filters}
GROUP BY ALL
HAVING sum(abs(cost)) > 0
ORDER BY ALL
