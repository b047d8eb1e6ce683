"""Mutants of C sources: small faults, each of which a test should notice.

What is changed are tokens within functions, in sources of the form that clang-format gives them:
binary operators stand between spaces, `*` and `&` of pointers do not.
"""
import re

TOKEN = re.compile(r"""
      (?P<comment>/\*.*?\*/|//[^\n]*)
    | (?P<directive>^[ \t]*\#(?:[^\n\\]|\\.|\\\n)*)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<number>0[xX][0-9a-fA-F]+[uUlL]*|[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?[uUlL]*)
    | (?P<word>[A-Za-z_][A-Za-z_0-9]*)
    | (?P<sign><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[^\sA-Za-z_0-9])
""", re.X | re.M | re.S)

RELATIONAL = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
              "==": ("!=",), "!=": ("==",)}
ARITHMETIC = {"+": ("-",), "-": ("+",), "*": ("+",), "/": ("*",), "%": ("/",), "<<": (">>",),
              ">>": ("<<",), "&": ("|",), "|": ("&",), "^": ("|",), "+=": ("-=",), "-=": ("+=",),
              "&=": ("|=",), "|=": ("&=",), "++": ("--",), "--": ("++",)}
LOGICAL = {"&&": ("||",), "||": ("&&",)}
KEYWORDS = {"return", "break", "continue", "goto", "if", "else", "for", "while", "do", "switch",
            "case", "default", "sizeof", "static", "const", "struct", "enum", "unsigned", "typedef"}


class Token:
    def __init__(self, match):
        self.kind = match.lastgroup
        self.text = match.group()
        self.begin, self.end = match.span()


class Mutant:
    """`text` from `begin` to `end` of a source replaced by something else."""

    def __init__(self, operator, source, begin, end, text):
        self.operator = operator
        self.begin = begin
        self.end = end
        self.line = source.count("\n", 0, begin) + 1
        self.text = text
        self.was = source[begin:end]

    def apply(self, source):
        # Lines keep their numbers.
        lost = source.count("\n", self.begin, self.end) - self.text.count("\n")
        return source[:self.begin] + self.text + "\n" * lost + source[self.end:]

    def one_line(self):
        """What is changed into what, on one line."""
        was, now = (" ".join(text.split()) for text in (self.was, self.text))
        return f"{was} => {now if now else 'nothing'}"


def tokens_of_functions(source):
    """The tokens of each function's body, without its outer braces."""
    tokens = [Token(m) for m in TOKEN.finditer(source)]
    tokens = [t for t in tokens if t.kind not in ("comment", "directive")]
    depth = 0
    body = None
    for i, token in enumerate(tokens):
        if token.text == "{":
            if depth == 0 and i and tokens[i - 1].text == ")":
                body = []
            elif body is not None:
                body.append(token)
            depth += 1
        elif token.text == "}":
            depth -= 1
            if depth == 0 and body is not None:
                yield body
                body = None
            elif body is not None:
                body.append(token)
        elif body is not None:
            body.append(token)


def close_of(tokens, at):
    """The index of the parenthesis that closes the one at `at`."""
    depth = 0
    for i in range(at, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[i].text, 0)
        if depth == 0:
            return i
    return len(tokens) - 1


def is_binary(source, token):
    return source[token.begin - 1].isspace() and source[token.end].isspace()


def of_signs(source, tokens):
    for token in tokens:
        if token.kind != "sign":
            continue
        for operator, table in (("relational", RELATIONAL), ("arithmetic", ARITHMETIC),
                                ("logical", LOGICAL)):
            if token.text in table and (token.text in ("++", "--") or is_binary(source, token)):
                for other in table[token.text]:
                    yield Mutant(operator, source, token.begin, token.end, other)


def of_constants(source, tokens):
    for token in tokens:
        if token.kind == "number" and re.fullmatch("(0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*", token.text):
            digits = token.text.rstrip("uUlL")
            suffix = token.text[len(digits):]
            number = int(digits, 0)
            for other in sorted({number + 1, abs(number - 1)}):
                yield Mutant("constant", source, token.begin, token.end, f"{other}{suffix}")


def of_conditions(source, tokens):
    for i, token in enumerate(tokens[:-1]):
        if token.text in ("if", "while") and tokens[i + 1].text == "(":
            close = close_of(tokens, i + 1)
            begin, end = tokens[i + 1].end, tokens[close].begin
            yield Mutant("condition", source, begin, end, f"!({source[begin:end]})")


def statement_end(tokens, at):
    depth = 0
    for i in range(at, len(tokens)):
        depth += {"(": 1, ")": -1, "{": 1, "}": -1, "[": 1, "]": -1}.get(tokens[i].text, 0)
        if depth < 0:
            return None
        if tokens[i].text == ";" and depth == 0:
            return i
    return None


def starts_statement(tokens, i):
    if i == 0 or tokens[i - 1].text in (";", "{", "}", "else", "do"):
        return True
    if tokens[i - 1].text != ")":
        return False
    # After the parentheses of if, for or while.
    depth = 0
    for j in range(i - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(tokens[j].text, 0)
        if depth == 0:
            return j > 0 and tokens[j - 1].text in ("if", "for", "while")
    return False


def of_statements(source, tokens):
    for i, token in enumerate(tokens[:-1]):
        if not starts_statement(tokens, i):
            continue
        end = statement_end(tokens, i)
        if end is None:
            continue
        if token.text == "return":
            begin, stop = token.end, tokens[end].begin
            value = source[begin:stop].strip()
            if value:
                other = {"true": "false", "false": "true", "NULL": None, "0": "1"}.get(
                    value, f"!({value})")
                if other:
                    yield Mutant("return", source, begin, stop, " " + other)
        elif token.text in ("break", "continue"):
            yield Mutant("statement", source, token.begin, token.end, "")
        elif token.text in ("++", "--", "*") or (
                token.kind == "word" and token.text not in KEYWORDS and
                tokens[i + 1].text in ("(", "=", "->", ".", "[", "++", "--", "+=", "-=", "|=", "&=",
                                       "*=", "/=", "<<=", ">>=", "^=")):
            yield Mutant("statement", source, token.begin, tokens[end].begin, "")


def mutants_of(source):
    """All of them, in the order of the source."""
    found = []
    for tokens in tokens_of_functions(source):
        for make in of_signs, of_constants, of_conditions, of_statements:
            found.extend(make(source, tokens))
    return sorted(found, key=lambda m: (m.begin, m.operator, m.text))
