-- How the cost of the attempts that a query finds is spread: by quarters of a power of ten, and those of no or unknown cost; over all
-- of them (`overall` > 0) what half, nine in ten and 99 in a hundred of those with a known cost cost at most.
WITH each_one AS (
    SELECT
        CASE WHEN cost > 0 THEN CAST(floor(round(4 * log10(CAST(cost AS DOUBLE)), 9)) AS INTEGER) END AS step,
        cost IS NULL AS unknown,
        cost
    FROM ({list}) AS listed
)

SELECT
    GROUPING(step, unknown) AS overall,
    step,
    unknown,
    CAST(count(*) AS BIGINT) AS attempts,
    sum(cost) AS cost,
    quantile_disc(cost, 0.5) AS p50,
    quantile_disc(cost, 0.9) AS p90,
    quantile_disc(cost, 0.99) AS p99
FROM each_one
GROUP BY GROUPING SETS ((step, unknown), ())
ORDER BY ALL
