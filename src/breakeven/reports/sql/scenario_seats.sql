-- How many customers used what, per group.
SELECT {keys}, count(DISTINCT customer) AS seats
FROM {calls} AS calls
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) AND customer IS NOT NULL {filters}
GROUP BY ALL
