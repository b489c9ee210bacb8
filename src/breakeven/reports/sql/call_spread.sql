-- How the cost of the attempts that a query finds is spread: by quarters of a power of ten, and those of no or unknown cost.
SELECT
    CASE WHEN cost > 0 THEN CAST(floor(round(4 * log10(CAST(cost AS DOUBLE)), 9)) AS INTEGER) END AS step,
    cost IS NULL AS unknown,
    CAST(count(*) AS BIGINT) AS attempts,
    sum(cost) AS cost
FROM ({list}) AS listed
GROUP BY ALL
ORDER BY ALL
