"""A generated world to run on where there is no data: articles, questions, answers, paraphrases.

Everything is a function of (seed, number), so that any document can be made on its own and a
million of them are a stream. The world has what the papers' methods feed on: articles with a
lead and body sections that link to each other, entities with several names, questions in other
words than the passages', hard distractors, graded judgments, answer strings, graded paraphrase
pairs, and a second language that renames the first.

`synthetic/<size>[/second|/cross][/train|/dev|/test]`, where a size is a name of `SIZES` or a
number of documents. `second` is the world in the second language; `cross` asks first-language
documents in the second. Without a split: test.
"""
