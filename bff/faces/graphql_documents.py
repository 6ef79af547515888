"""From a document's text to a document that may be executed: parsed, measured, validated, and kept by its text."""

from collections import OrderedDict
from collections.abc import Sequence

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    parse,
    specified_rules,
    validate,
)

from bff.errors import BffError
from bff.faces.graphql_limits import MAX_CHARACTERS, MAX_TOKENS, too_much

# An app's own clients send some dozens of documents; parsing and validating one costs 2 ms.
KEPT_DOCUMENTS = 512
# A tree takes up to 370 bytes a character, so this bounds the memory of them all to about 100 MB. A hundred documents of
# 2,000 characters, as apps have them, fit and take a tenth of it.
KEPT_CHARACTERS = 256 * 1024
# Enough to mend a document by; each costs time to find.
MAX_ERRORS = 10


class DocumentRefused(BffError):
    """The document cannot be executed; `document` is its tree when it could be parsed."""

    def __init__(self, errors: Sequence[GraphQLError], document: DocumentNode | None = None) -> None:
        self.errors = tuple(errors)
        self.document = document
        super().__init__("; ".join(error.message for error in errors))


class Documents:
    """The documents of one schema. `introspection` allows it and suggestions of names."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool = False) -> None:
        self._schema = schema
        self._introspection = introspection
        self._rules = specified_rules if introspection else (*specified_rules, NoSchemaIntrospectionCustomRule)
        self._kept: OrderedDict[str, DocumentNode] = OrderedDict()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._kept)

    def read(self, text: str) -> DocumentNode:
        """The valid document; raises DocumentRefused."""
        known = self._kept.get(text)
        if known is not None:
            self._kept.move_to_end(text)
            return known
        document = self._checked(text)
        self._keep(text, document)
        return document

    def _checked(self, text: str) -> DocumentNode:
        if len(text) > MAX_CHARACTERS:
            raise DocumentRefused([GraphQLError(f"The document is longer than {MAX_CHARACTERS} characters.")])
        try:
            document = parse(text, max_tokens=MAX_TOKENS)
        except GraphQLSyntaxError as error:
            raise DocumentRefused([error]) from None
        errors = self._faults(document)
        if errors:
            raise DocumentRefused(errors, document)
        return document

    def _faults(self, document: DocumentNode) -> list[GraphQLError]:
        """Limits come first: validation compares fields in pairs, and what is too much must not get that far."""
        try:
            return too_much(document) or validate(
                self._schema, document, self._rules, max_errors=MAX_ERRORS, hide_suggestions=not self._introspection
            )
        except RecursionError:
            return [GraphQLError("The document is nested too deeply.")]

    def _keep(self, text: str, document: DocumentNode) -> None:
        """Only what is valid is kept, so that nonsense pushes nothing out."""
        self._kept[text] = document
        self._characters += len(text)
        while len(self._kept) > KEPT_DOCUMENTS or self._characters > KEPT_CHARACTERS:
            oldest, _ = self._kept.popitem(last=False)
            self._characters -= len(oldest)
