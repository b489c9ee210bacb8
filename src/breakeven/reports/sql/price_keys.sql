-- Which models of which providers the costs of a period come from.
SELECT {keys}, count(*) AS rows_counted
FROM {costs} AS costs
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) AND usage_class IS NOT NULL {filters}
GROUP BY ALL
