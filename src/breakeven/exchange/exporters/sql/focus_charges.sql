-- The charges of a period in the grain of FOCUS: day × tag set × SKU price × price version × issuer, never two prices in one row.
-- A line that was reversed within the period is left out with its reversal; a reversal of another period's line is a charge of its own.
WITH reversals AS (
    SELECT call_id, attempt, adjustment_of FROM cost_lines
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) AND adjustment_of IS NOT NULL
),
lines AS (
    SELECT * FROM cost_lines AS line
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP) AND CASE
        WHEN adjustment_of IS NULL THEN NOT EXISTS (
            SELECT 1 FROM reversals
            WHERE reversals.call_id = line.call_id AND reversals.attempt = line.attempt AND reversals.adjustment_of = line.line
        )
        ELSE NOT EXISTS (
            SELECT 1 FROM cost_lines AS reversed
            WHERE reversed.call_id = line.call_id AND reversed.attempt = line.attempt AND reversed.line = line.adjustment_of
            AND reversed.occurred_at >= CAST($start AS TIMESTAMP) AND reversed.occurred_at < CAST($end AS TIMESTAMP)
        )
    END
),
tied AS (
    -- The invoice that a vendor's day was last held against and ties with. A file of several invoices does not say which one bills it.
    SELECT
        provider AS tied_provider, CAST(day AS DATE) AS tied_day,
        arg_max(CASE WHEN invoice NOT LIKE '%, %' THEN invoice END, (recorded_at, reconciliation_id)) AS invoice,
        arg_max(invoice_digest, (recorded_at, reconciliation_id)) AS digest
    FROM reconciliations
    GROUP BY ALL
),
postings AS (
    SELECT
        provider AS posted_provider, concat('invoice:', left(invoice_digest, 16)) AS posted_version,
        max(CASE WHEN invoice NOT LIKE '%, %' THEN invoice END) AS invoice, max(CAST(day AS DATE)) AS last_day
    FROM reconciliations
    GROUP BY ALL
),
invoiced AS (
    -- The lines of an invoice, of its latest file.
    SELECT * FROM invoice_lines WHERE (provider, invoice, invoice_digest) IN (
        SELECT (provider, invoice, arg_max(invoice_digest, (recorded_at, invoice_digest))) FROM invoice_lines GROUP BY provider, invoice
    )
),
bills AS (
    -- The account that an invoice names as billed, only where it is one.
    SELECT provider AS billed_provider, invoice AS billed_invoice, min(account) AS billed_account
    FROM invoiced
    GROUP BY ALL
    HAVING count(DISTINCT account) = 1
),
taxes AS (
    -- What an invoice that ties adds as tax: no cost of the ledger, but part of what is paid. It is charged on the day that it says, else
    -- on the last one that is billed.
    SELECT
        coalesce(day, period_end - INTERVAL 1 DAY)::DATE AS day, provider, 'tax' AS cause, true AS is_amount, false AS is_correction,
        'invoiced' AS state, CASE WHEN invoice IN (SELECT tied.invoice FROM tied WHERE tied_provider = provider) THEN invoice END AS invoice,
        sum(amount + coalesce(exchange, 0)) AS list_cost, sum(amount + coalesce(exchange, 0)) AS cost, 0::BIGINT AS call_count,
        0::BIGINT AS failed_call_count
    FROM invoiced
    WHERE category = 'tax'
        AND EXISTS (
            SELECT 1 FROM tied
            WHERE tied_provider = invoiced.provider AND (tied.invoice = invoiced.invoice OR tied.digest = invoiced.invoice_digest)
        )
        AND coalesce(day, period_end - INTERVAL 1 DAY) >= CAST($start AS TIMESTAMP)
        AND coalesce(day, period_end - INTERVAL 1 DAY) < CAST($end AS TIMESTAMP)
    GROUP BY ALL
    HAVING sum(amount + coalesce(exchange, 0)) <> 0
),
amounts AS (
    -- One metered quantity with everything that is charged on it: the list price, and what discounts and uplifts make of it.
    SELECT
        call_id, attempt, part, occurred_at, provider, model, usage_class, feature, team, customer, workflow, environment, rung,
        CASE WHEN kind LIKE 'invoice:%' THEN substr(kind, 9) END AS cause,
        CASE WHEN kind LIKE 'invoice:%' THEN price_version END AS posted_by,
        kind = 'stated' OR kind LIKE 'invoice:%' OR adjustment_of IS NOT NULL OR (usage_class IS NOT NULL AND quantity IS NULL)
        AS is_adjustment,
        adjustment_of IS NOT NULL AS is_correction,
        max(quantity) AS quantity,
        sum(unit_price) FILTER (WHERE kind = 'list') AS list_unit_price,
        sum(unit_price) AS contracted_unit_price,
        sum(cost) FILTER (WHERE kind = 'list') AS list_cost,
        sum(cost) AS cost,
        max(price_version) FILTER (WHERE kind = 'list') AS price_version,
        max(state) AS state,
        min(quantity) = max(quantity) AND count(*) FILTER (WHERE kind = 'list') = 1 AND min(quantity) >= 0 AS is_whole
    FROM lines
    GROUP BY ALL
),
attempts AS (
    SELECT call_id, attempt, sum(list_cost) AS list_cost FROM amounts GROUP BY ALL
),
segments AS (
    SELECT customer, arg_max(segment, recorded_at) AS segment FROM customers GROUP BY customer
),
known AS (
    SELECT
        amounts.*,
        amounts.is_adjustment OR (amounts.usage_class IS NOT NULL AND NOT coalesce(is_whole, false)) AS is_amount,
        row_number() OVER (PARTITION BY amounts.call_id, amounts.attempt ORDER BY part, usage_class, is_adjustment, amounts.occurred_at) = 1
        AS is_first,
        calls.call_count, calls.status, calls.attempt = 0 AS is_call, segments.segment,
        calls.baseline_cost - attempts.list_cost AS avoided,
        calls.pricing_context AS context,
        list_max(list_filter(
            CAST($thresholds AS BIGINT[]),
            lambda threshold: threshold
            < coalesce(calls.input_tokens, 0) + coalesce(calls.cache_read_tokens, 0) + coalesce(calls.cache_write_tokens, 0)
        )) AS band
    FROM amounts
    LEFT JOIN calls ON calls.call_id = amounts.call_id AND calls.attempt = amounts.attempt
    LEFT JOIN attempts ON attempts.call_id = amounts.call_id AND attempts.attempt = amounts.attempt
    LEFT JOIN segments ON segments.customer = amounts.customer
),
charges AS (
    SELECT
        known.occurred_at::DATE AS day,
        known.provider, model, feature, team, workflow, environment, segment, rung, state, price_version, cause, is_amount,
        -- An adjustment for days that were closed when it was posted is booked later, and so a correction.
        is_correction OR coalesce(known.occurred_at::DATE > postings.last_day, false) AS is_correction,
        -- What was posted belongs to the invoice that it was posted for, whatever other invoice bills the day that it is booked on.
        CASE WHEN posted_by IS NOT NULL THEN postings.invoice WHEN state <> 'not_billed' THEN tied.invoice END AS invoice,
        classes.direction, classes.cache, classes.meter, classes.consumed_unit, classes.pricing_unit,
        CASE WHEN NOT is_amount THEN concat_ws(
            '/', coalesce(known.provider, 'unknown'), coalesce(model, 'unknown'), classes.sku
        ) END AS sku,
        CASE WHEN NOT is_amount THEN concat_ws(
            '/', nullif(classes.ttl, ''), context ->> 'service_tier', context ->> 'processing', context ->> 'speed',
            context ->> 'inference_geo', context ->> 'region', context ->> 'deployment', 'over-' || band::VARCHAR || '-input-tokens'
        ) END AS factors,
        context ->> 'region' AS region,
        CASE WHEN NOT is_amount THEN CAST(coalesce(list_unit_price, 0) AS DECIMAL(30, 18)) * classes.pricing_factor END
        AS list_unit_price,
        CASE WHEN NOT is_amount THEN CAST(coalesce(contracted_unit_price, 0) AS DECIMAL(30, 18)) * classes.pricing_factor END
        AS contracted_unit_price,
        CAST(sum(CASE WHEN known.usage_class IS NULL THEN call_count ELSE quantity END) AS DECIMAL(28, 0)) AS quantity,
        any_value(classes.consumed_scale) AS consumed_scale,
        any_value(classes.pricing_scale) AS pricing_scale,
        coalesce(sum(CASE WHEN is_amount THEN cost ELSE list_cost END), 0) AS list_cost,
        coalesce(sum(cost), 0) AS cost,
        coalesce(sum(call_count) FILTER (WHERE is_first AND is_call), 0)::BIGINT AS call_count,
        coalesce(sum(call_count) FILTER (WHERE is_first AND is_call AND status <> 'ok'), 0)::BIGINT AS failed_call_count,
        sum(avoided) FILTER (WHERE is_first) AS avoided
    FROM known
    LEFT JOIN focus_classes AS classes ON classes.usage_class = coalesce(known.usage_class, '')
    LEFT JOIN tied ON tied_provider = known.provider AND tied_day = known.occurred_at::DATE
    LEFT JOIN postings ON posted_provider = known.provider AND posted_version = known.posted_by
    GROUP BY ALL
),
delivered AS (
    SELECT
        occurred_at::DATE AS day, feature, team, workflow, environment, sum(quantity)::BIGINT AS outcome_count, sum(value) AS outcome_value
    FROM outcomes
    WHERE occurred_at >= CAST($start AS TIMESTAMP) AND occurred_at < CAST($end AS TIMESTAMP)
    GROUP BY ALL
),
placed AS (
    SELECT charges.*, row_number() OVER (
        PARTITION BY day, feature, team, workflow, environment ORDER BY cost DESC, sku, factors, price_version, state, rung, segment
    ) AS place
    FROM charges
    UNION ALL BY NAME
    SELECT * FROM taxes
)
SELECT
    placed.* EXCLUDE (invoice), vendors.name AS vendor, vendors.service,
    CASE WHEN coalesce(billed_account = vendors.account, true) THEN invoice END AS invoice,
    coalesce(vendors.account, billed_account, placed.provider, 'unknown') AS account,
    vendors.account_name, outcome_count, outcome_value, owners.owner
FROM placed
LEFT JOIN focus_vendors AS vendors ON vendors.provider = placed.provider
LEFT JOIN bills ON billed_provider = placed.provider AND billed_invoice = placed.invoice
LEFT JOIN focus_owners AS owners ON owners.feature = placed.feature
LEFT JOIN delivered ON
    place = 1 AND delivered.day = placed.day AND delivered.feature IS NOT DISTINCT FROM placed.feature
    AND delivered.team IS NOT DISTINCT FROM placed.team AND delivered.workflow IS NOT DISTINCT FROM placed.workflow
    AND delivered.environment IS NOT DISTINCT FROM placed.environment
