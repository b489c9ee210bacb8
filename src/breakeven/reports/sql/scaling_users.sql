-- Different users per group, of calls that name one.
SELECT {keys}, count(DISTINCT user_id) AS users
FROM (
    SELECT *, CAST(occurred_at AS DATE) AS day FROM calls
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {recorded}
) AS calls
WHERE user_id IS NOT NULL {filters}
GROUP BY ALL
