-- Calls and known cost per group, feature and rung: what a subject uses of which rung.
SELECT key_0, of_feature, on_rung, CAST(coalesce(sum(call_count), 0) AS BIGINT) AS calls, sum(cost) AS cost
FROM (
    SELECT {keys}, feature AS of_feature, coalesce(rung, '') AS on_rung, sum(call_count) AS call_count, NULL AS cost
    FROM {calls} AS calls
    WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
    GROUP BY ALL
    UNION ALL
    SELECT {keys}, feature AS of_feature, coalesce(rung, '') AS on_rung, NULL AS call_count, sum(cost) AS cost
    FROM {costs} AS costs
    WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) {filters}
    GROUP BY ALL
) AS used
GROUP BY ALL
