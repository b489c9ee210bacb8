-- The replays of each class and rung, in the order in which they count as evidence: scores in millionths, what they cost, how they
-- were drawn. Only those of what was tested last (model, prompt, settings): a certificate does not outlive what it was given for.
WITH
{include audit_told}

SELECT
    told.feature,
    told.task_class,
    told.to_rung,
    any_value(told.to_model) AS to_model,
    any_value(told.tested) AS tested,
    arg_max(told.from_rung, told.recorded_at) AS from_rung,
    list(difference ORDER BY recorded_at, md5(CAST(replay_id AS VARCHAR))) AS differences,
    list(coalesce(agreed, false) ORDER BY recorded_at, md5(CAST(replay_id AS VARCHAR))) AS agreed,
    list(coalesce(propensity, 1) ORDER BY recorded_at, md5(CAST(replay_id AS VARCHAR))) AS propensities,
    bool_and(score_weak IS NOT NULL AND score_strong IS NOT NULL) AS paired,
    max(coalesce(judge_error, 0)) AS judge_error,
    count(cost) AS priced,
    sum(cost / coalesce(propensity, 1)) / nullif(sum(1 / coalesce(propensity, 1)) FILTER (WHERE cost IS NOT NULL), 0) AS mean_cost,
    stddev_samp(cost) AS cost_deviation,
    list_sort(list(DISTINCT scored_by)) AS scored_by,
    list_sort(list(DISTINCT template)) AS templates,
    max(recorded_at) AS last_at
FROM told JOIN latest
    ON told.feature IS NOT DISTINCT FROM latest.feature AND told.task_class = latest.task_class
    AND told.to_rung = latest.to_rung AND told.tested = latest.tested
GROUP BY told.feature, told.task_class, told.to_rung
ORDER BY ALL
