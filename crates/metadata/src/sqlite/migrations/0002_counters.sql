-- How many rows count under each word, such as a subscription's galleries in one region.
-- Each row names the counters in which it counts; commits keep both together.

ALTER TABLE resources ADD COLUMN counted TEXT NOT NULL DEFAULT '[]';

CREATE TABLE counters (
    counter TEXT   NOT NULL PRIMARY KEY,
    count   BIGINT NOT NULL
);

-- What exists already counts as if it were written now.
UPDATE resources
SET counted = json_array(
    subscription_key || '/' || lower(replace(json_extract(document, '$.location'), ' ', '')) || '/' || type_key)
WHERE type_key IN (
        'microsoft.compute/galleries',
        'microsoft.compute/galleries/images',
        'microsoft.compute/galleries/images/versions')
    AND json_extract(document, '$.location') IS NOT NULL;

INSERT INTO counters (counter, count)
SELECT json_extract(counted, '$[0]'), COUNT(*) FROM resources WHERE counted <> '[]' GROUP BY 1;
