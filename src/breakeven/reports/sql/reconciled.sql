-- How much of the cost lies on days of vendors that were held against an invoice and tie, and the first day with cost that does not.
WITH tied AS (SELECT DISTINCT provider AS tied_provider, CAST(day AS DATE) AS tied_day FROM reconciliations WHERE TRUE {recorded})
SELECT
    (SELECT count(*) FROM tied) AS tied_days,
    sum(abs(cost)) AS cost,
    sum(abs(cost)) FILTER (WHERE tied_day IS NOT NULL) AS reconciled,
    min(costs.day) FILTER (WHERE tied_day IS NULL AND cost <> 0) AS first_open,
    max(costs.day) FILTER (WHERE tied_day IS NOT NULL AND cost <> 0) AS last_tied
FROM {costs} AS costs
LEFT JOIN tied ON tied_provider = costs.provider AND tied_day = costs.day
WHERE costs.day >= CAST($start AS DATE) AND costs.day < CAST($end AS DATE) {filters}
