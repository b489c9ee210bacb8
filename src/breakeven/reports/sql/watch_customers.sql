-- The dearest customers of a span: who is watched by name.
SELECT customer
FROM {costs}
WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) AND customer IS NOT NULL {filters}
GROUP BY customer
ORDER BY sum(cost) DESC NULLS LAST, customer
LIMIT CAST($most AS BIGINT)
