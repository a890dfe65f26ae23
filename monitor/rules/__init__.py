"""The rule language: what people write in `rules/*.yaml`, read, checked and compiled. Pure but for `ruleset.load`.

source      YAML text -> tree with places           text        a text's words, folded, in sentences
schema      the keys, and the JSON Schema           terms       the syntax of one term
reading     tree -> lists and rules of one file     conditions  tree -> nodes
assemble    files -> rules: lists, overrides        program     all rules in one automaton
nodes       what a condition is made of             ruleset     load, from_files, RuleSet
gates       what a text may meet, by its terms      handover    rules back to YAML: copy, export
lint        what silently does nothing
"""

from monitor.rules.handover import copy_rule, export
from monitor.rules.lint import lint, mend
from monitor.rules.nodes import Complaint, Fix, Place, Severity
from monitor.rules.ruleset import RuleSet, attempt, from_files, load, read_files, read_some
from monitor.rules.schema import json_schema_text

__all__ = [
    "Complaint",
    "Fix",
    "Place",
    "RuleSet",
    "Severity",
    "attempt",
    "copy_rule",
    "export",
    "from_files",
    "json_schema_text",
    "lint",
    "load",
    "mend",
    "read_files",
    "read_some",
]
