-- Known cost of each model and rung, per group.
SELECT {keys}, coalesce(model, '') AS served_by, coalesce(rung, '') AS on_rung, sum(cost) AS cost
FROM {costs} AS costs
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
GROUP BY ALL
