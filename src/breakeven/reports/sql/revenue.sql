-- Revenue whose span touches the period, before it is prorated.
SELECT period_start, period_end, customer, plan, feature, sum(amount) AS amount, count(*) AS rows_counted
FROM revenue
WHERE period_start < CAST($end AS TIMESTAMP) AND period_end > CAST($start AS TIMESTAMP) {recorded}
GROUP BY ALL
ORDER BY ALL
