-- As audit_spend, read from the facts themselves: a call's own task class wins over its workflow, the names that were found come last.
WITH named AS (
    SELECT unnest(CAST($templates AS VARCHAR[])) AS template, unnest(CAST($names AS VARCHAR[])) AS name
),
found AS (
    SELECT unnest(CAST($found AS VARCHAR[])) AS id, unnest(CAST($found_as AS VARCHAR[])) AS name
),
classed AS (
    SELECT
        calls.*,
        coalesce(calls.task_class, calls.workflow, found.name, named.name) AS class
    FROM calls LEFT JOIN named ON calls.template = named.template LEFT JOIN found ON CAST(calls.call_id AS VARCHAR) = found.id
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
        AND environment IS DISTINCT FROM 'audit'
),
paid AS (
    SELECT call_id, attempt, sum(cost) AS cost
    FROM cost_lines
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
    GROUP BY call_id, attempt
)
SELECT
    feature,
    class AS task_class,
    rung,
    model,
    CAST(sum(CASE WHEN attempt = 0 THEN call_count ELSE 0 END) AS BIGINT) AS calls,
    sum(paid.cost) AS cost,
    CAST(coalesce(sum(call_count) FILTER (WHERE state IN ('unpriced', 'usage_missing')), 0) AS BIGINT) AS unknown
FROM classed LEFT JOIN paid USING (call_id, attempt)
GROUP BY ALL
