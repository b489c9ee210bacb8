-- Calls and known cost of a period by class, rung and model, where the workflow is the class.
SELECT feature, task_class, rung, model, CAST(sum(calls) AS BIGINT) AS calls, sum(cost) AS cost, CAST(sum(unknown) AS BIGINT) AS unknown
FROM (
    SELECT feature, workflow AS task_class, rung, model, sum(call_count) AS calls, CAST(0 AS DECIMAL(38, 18)) AS cost,
        sum(call_count) FILTER (WHERE state IN ('unpriced', 'usage_missing')) AS unknown
    FROM rollup_calls
    WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) AND environment IS DISTINCT FROM 'audit'
    GROUP BY ALL
    UNION ALL
    SELECT feature, workflow, rung, model, 0, sum(cost), 0
    FROM rollup_costs
    WHERE day >= CAST($start AS DATE) AND day < CAST($end AS DATE) AND environment IS DISTINCT FROM 'audit'
    GROUP BY ALL
)
GROUP BY ALL
