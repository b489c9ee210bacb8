-- The replays of each class and model rung that say which task they are of, as lists in one order: by these, policies over several
-- rungs or over single tasks are judged. Only those of what was tested last, as in audit_replays.
WITH
{include audit_told}

SELECT
    told.feature,
    told.task_class,
    told.to_rung,
    any_value(told.to_model) AS to_model,
    any_value(told.tested) AS tested,
    arg_max(told.from_rung, told.recorded_at) AS from_rung,
    list(task ORDER BY recorded_at, md5(CAST(replay_id AS VARCHAR))) AS tasks,
    list(recorded_at ORDER BY recorded_at, md5(CAST(replay_id AS VARCHAR))) AS recorded,
    list(difference ORDER BY recorded_at, md5(CAST(replay_id AS VARCHAR))) AS differences,
    list(score ORDER BY recorded_at, md5(CAST(replay_id AS VARCHAR))) AS scores,
    list(coalesce(agreed, false) ORDER BY recorded_at, md5(CAST(replay_id AS VARCHAR))) AS agreed,
    list(coalesce(propensity, 1) ORDER BY recorded_at, md5(CAST(replay_id AS VARCHAR))) AS propensities,
    list(coalesce(cost, -1) ORDER BY recorded_at, md5(CAST(replay_id AS VARCHAR))) AS costs,
    bool_and(score_weak IS NOT NULL AND score_strong IS NOT NULL) AS paired,
    max(coalesce(judge_error, 0)) AS judge_error,
    list_sort(list(DISTINCT scored_by)) AS scored_by,
    list_sort(list(DISTINCT template)) AS templates,
    max(recorded_at) AS last_at
FROM told JOIN latest
    ON told.feature IS NOT DISTINCT FROM latest.feature AND told.task_class = latest.task_class
    AND told.to_rung = latest.to_rung AND told.tested = latest.tested
WHERE told.task IS NOT NULL AND told.to_rung <> 'handler' AND kind <> 'check'
GROUP BY told.feature, told.task_class, told.to_rung
ORDER BY ALL
