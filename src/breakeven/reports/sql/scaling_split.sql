-- The known cost of two neighbouring spans, divided into subjects seen only now, only before, or in both; and of nobody known.
WITH each_one AS (
    SELECT
        CASE WHEN CAST($by_user AS BOOLEAN) THEN user_id ELSE customer END AS subject,
        bool_or(occurred_at < CAST($middle AS TIMESTAMP)) AS was,
        bool_or(occurred_at >= CAST($middle AS TIMESTAMP)) AS is_now,
        coalesce(sum(cost) FILTER (WHERE occurred_at < CAST($middle AS TIMESTAMP)), 0) AS before,
        coalesce(sum(cost) FILTER (WHERE occurred_at >= CAST($middle AS TIMESTAMP)), 0) AS now
    FROM (
        SELECT *, CAST(occurred_at AS DATE) AS day FROM cost_lines
        WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) {recorded}
    ) AS costs
    WHERE TRUE {filters}
    GROUP BY ALL
)

SELECT
    CASE WHEN subject IS NULL THEN 'unknown' WHEN was AND is_now THEN 'stayed' WHEN is_now THEN 'came' ELSE 'left' END AS kind,
    count(*) AS subjects,
    sum(before) AS before,
    sum(now) AS now
FROM each_one
GROUP BY ALL
