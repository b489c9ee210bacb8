-- The checks of one rollout since a place, in the order in which they count: differences in millionths, of the model it moves to.
SELECT
    CAST(CASE WHEN score_weak IS NULL OR score_strong IS NULL THEN CASE WHEN agreed THEN 0 ELSE -1 END
        ELSE score_weak - score_strong END * 1000000 AS INTEGER) AS difference,
    recorded_at,
    CAST(replay_id AS VARCHAR) AS id
FROM replays
WHERE
    feature = CAST($feature AS VARCHAR) AND task_class = CAST($task_class AS VARCHAR) AND to_rung = CAST($to AS VARCHAR)
    AND to_model IS NOT DISTINCT FROM coalesce(CAST($model AS VARCHAR), to_model)
    AND kind IN ('check', 'policy check', 'shadow') AND recorded_at >= CAST($since AS TIMESTAMP)
    AND (recorded_at, CAST(replay_id AS VARCHAR)) > (CAST($seen_at AS TIMESTAMP), CAST($seen_id AS VARCHAR))
ORDER BY recorded_at, id
LIMIT 100000
