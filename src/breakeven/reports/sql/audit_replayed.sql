-- Which calls of a class were replayed on a rung with a model already.
SELECT DISTINCT CAST(call_id AS VARCHAR)
FROM replays
WHERE
    feature = CAST($feature AS VARCHAR) AND task_class = CAST($task_class AS VARCHAR) AND to_rung = CAST($rung AS VARCHAR)
    AND to_model = CAST($model AS VARCHAR) AND call_id IS NOT NULL
