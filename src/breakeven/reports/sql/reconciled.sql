-- How much of the metered cost lies on days of vendors that were held against an invoice and tie, and the first day with cost that does not.
-- Lines are summed before they are weighed: a line and its reversal are no cost.
WITH tied AS (SELECT DISTINCT provider AS tied_provider, CAST(day AS DATE) AS tied_day FROM reconciliations WHERE TRUE {recorded}),
days AS (
    SELECT costs.provider, costs.day, sum(costs.cost) AS cost
    FROM {costs} AS costs
    WHERE costs.day >= CAST($start AS DATE) AND costs.day < CAST($end AS DATE) AND costs.kind NOT LIKE 'invoice:%' {filters}
    GROUP BY costs.provider, costs.day
)
SELECT
    (SELECT count(*) FROM tied) AS tied_days,
    sum(abs(cost)) AS cost,
    sum(abs(cost)) FILTER (WHERE tied_day IS NOT NULL) AS reconciled,
    min(days.day) FILTER (WHERE tied_day IS NULL AND cost <> 0) AS first_open,
    max(days.day) FILTER (WHERE tied_day IS NOT NULL AND cost <> 0) AS last_tied
FROM days
LEFT JOIN tied ON tied_provider = days.provider AND tied_day = days.day
