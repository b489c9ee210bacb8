-- The first day on which each customer called, over the whole ledger.
SELECT customer, min(day) AS first_day
FROM rollup_calls
WHERE customer IS NOT NULL
GROUP BY customer
