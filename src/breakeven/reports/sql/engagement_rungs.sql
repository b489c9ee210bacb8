-- Calls and known cost per group, feature and rung: what a subject uses of which rung.
WITH counted AS (
    SELECT {keys}, feature AS of_feature, coalesce(rung, '') AS on_rung, CAST(coalesce(sum(call_count), 0) AS BIGINT) AS calls
    FROM {calls} AS calls
    WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
    GROUP BY ALL
),

spent AS (
    SELECT {keys}, feature AS of_feature, coalesce(rung, '') AS on_rung, sum(cost) AS cost
    FROM {costs} AS costs
    WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
    GROUP BY ALL
)

SELECT * FROM counted NATURAL LEFT JOIN spent
