"""Makes text.json: reference values of sacrebleu, rouge-score and the SQuAD script on raw text.

    python3 -m venv venv && venv/bin/pip install sacrebleu==2.6.0 rouge-score==0.1.2
    venv/bin/python test/experiments/reference/make_text.py > test/experiments/reference/text.json
"""
import collections
import json
import random
import re
import string

from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU

random.seed(11)
WORDS = """the a an cat sat on mat. It's state-of-the-art $5.00 5,000 1.5 3.14% e.g., U.S. "quoted" (aside) don't naïve Zürich
東京 日本語 café 😀 hello-world foo_bar x=1 a/b C++ #tag @user http://a.b/c?d=e &amp; <b> ... -- – — ‘x’ “y” 10-20 2024-01-01
well, yes; no: maybe? really! THE Cat MAT Running runs ran New York Paris""".split()


def sentence():
    return " ".join(random.choice(WORDS) for _ in range(random.choice([0, 1, 1, 2, 3, 3, 5, 8, 13])))


def vary(text):
    words = text.split(" ")
    for _ in range(random.choice([0, 1, 2, 3])):
        at = random.randrange(len(words) + 1)
        if random.random() < 0.5:
            words.insert(at, random.choice(WORDS))
        elif at < len(words):
            del words[at]
    return " ".join(words)


# The evaluation script of SQuAD 2.0 (Rajpurkar et al. 2018), its functions as published.
def normalize_answer(s):
    def remove_articles(text):
        return re.sub(r"\b(a|an|the)\b", " ", text)

    def white_space_fix(text):
        return " ".join(text.split())

    def remove_punc(text):
        exclude = set(string.punctuation)
        return "".join(ch for ch in text if ch not in exclude)

    return white_space_fix(remove_articles(remove_punc(s.lower())))


def f1_score(prediction, ground_truth):
    prediction_tokens = normalize_answer(prediction).split()
    ground_truth_tokens = normalize_answer(ground_truth).split()
    common = collections.Counter(prediction_tokens) & collections.Counter(ground_truth_tokens)
    num_same = sum(common.values())
    if len(prediction_tokens) == 0 or len(ground_truth_tokens) == 0:
        return int(prediction_tokens == ground_truth_tokens)
    if num_same == 0:
        return 0
    precision = 1.0 * num_same / len(prediction_tokens)
    recall = 1.0 * num_same / len(ground_truth_tokens)
    return (2 * precision * recall) / (precision + recall)


kinds = {
    "bleu": BLEU(effective_order=True),
    "bleuNone": BLEU(effective_order=True, smooth_method="none"),
    "bleuAddOne": BLEU(effective_order=True, smooth_method="add-k", smooth_value=1),
    "bleuOrder2": BLEU(effective_order=True, max_ngram_order=2),
}
rouge = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)
cases = []
for _ in range(150):
    reference = sentence()
    text = vary(reference) if random.random() < 0.8 else sentence()
    other = vary(reference)
    case = {"text": text, "reference": reference, "other": other}
    for name, metric in kinds.items():
        case[name] = round(metric.sentence_score(text, [reference]).score / 100, 9)
    case["bleuTwo"] = round(kinds["bleu"].sentence_score(text, [reference, other]).score / 100, 9)
    for name, score in rouge.score(reference, text).items():
        case[name] = [round(score.precision, 9), round(score.recall, 9), round(score.fmeasure, 9)]
    case["squad"] = round(f1_score(text, reference), 9)
    cases.append(case)
print(json.dumps(cases, ensure_ascii=False, indent=0))
