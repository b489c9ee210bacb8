-- What is known about each customer: the latest recorded row holds.
SELECT customer, arg_max(plan, recorded_at) AS plan, arg_max(segment, recorded_at) AS segment, min(signed_up_at) AS signed_up_at
FROM customers
WHERE customer IS NOT NULL {recorded}
GROUP BY customer
