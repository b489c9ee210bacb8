-- Prompts with which calls of a class came since a time, but for those that were tested: how many calls each.
SELECT template, sum(call_count) AS calls
FROM calls
WHERE
    feature = CAST($feature AS VARCHAR) AND coalesce(task_class, workflow) = CAST($task_class AS VARCHAR)
    AND occurred_at >= CAST($since AS TIMESTAMP) AND environment IS DISTINCT FROM 'audit'
    AND template IS NOT NULL AND NOT list_contains(CAST($tested AS VARCHAR[]), template)
GROUP BY template
ORDER BY template
LIMIT 20
