-- Input tokens and characters of text of each model, of the calls that tell both, over everything recorded.
SELECT
    provider,
    model,
    CAST(sum(coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)) AS HUGEINT) AS tokens,
    CAST(sum(input_characters) AS HUGEINT) AS characters
FROM calls
WHERE input_characters > 0 AND input_tokens IS NOT NULL
GROUP BY ALL
