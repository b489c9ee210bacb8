-- What was posted to make days tie with invoices, by cause.
SELECT provider, model, substr(kind, 9) AS cause, sum(cost) AS amount
FROM {costs} AS costs
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) AND kind LIKE 'invoice:%' {filters}
GROUP BY ALL
HAVING sum(cost) <> 0
ORDER BY ALL
