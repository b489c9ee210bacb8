-- Cost per group and day.
SELECT {keys}, day, sum(cost) AS cost
FROM {costs} AS costs
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
GROUP BY ALL
