#include "test/emulator/Ptx.h"

#include <cctype>
#include <cstdlib>
#include <map>

namespace lathe::emulator {

void refuse(u32 line, const std::string &message) { throw PtxError("line " + std::to_string(line) + ": " + message); }

Type typeNamed(std::string_view word) {
  static const std::map<std::string_view, Type> types = {
      {"pred", {'p', 8}}, {"b8", {'b', 8}},   {"b16", {'b', 16}}, {"b32", {'b', 32}},  {"b64", {'b', 64}},  {"b128", {'b', 128}},    {"u8", {'u', 8}},
      {"u16", {'u', 16}}, {"u32", {'u', 32}}, {"u64", {'u', 64}}, {"s8", {'s', 8}},    {"s16", {'s', 16}},  {"s32", {'s', 32}},      {"s64", {'s', 64}},
      {"f16", {'f', 16}}, {"f32", {'f', 32}}, {"f64", {'f', 64}}, {"bf16", {'B', 16}}, {"tf32", {'t', 32}}, {"f16x2", {'f', 16, 2}}, {"bf16x2", {'B', 16, 2}},
  };
  auto found = types.find(word);
  return found == types.end() ? Type() : found->second;
}

std::string trimmed(std::string_view text) {
  size_t first = text.find_first_not_of(" \t\r\n"), last = text.find_last_not_of(" \t\r\n");
  return first == text.npos ? "" : std::string(text.substr(first, last - first + 1));
}

std::vector<std::string> splitOperands(std::string_view text) {
  std::vector<std::string> parts;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i != text.size(); ++i) {
    char c = text[i];
    depth += c == '{' || c == '[' || c == '(' ? 1 : c == '}' || c == ']' || c == ')' ? -1 : 0;
    if (c == ',' && depth == 0) {
      parts.push_back(trimmed(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  if (std::string last = trimmed(text.substr(begin)); !last.empty() || !parts.empty())
    parts.push_back(last);
  return parts;
}

bool parseInteger(std::string_view text, u64 &value) {
  std::string word(text);
  bool minus = word.starts_with("-");
  if (minus)
    word.erase(0, 1);
  if (word.empty() || !std::isdigit(static_cast<unsigned char>(word[0])))
    return false;
  if (word.ends_with("U"))
    word.pop_back();
  char *end = nullptr;
  bool binary = word.starts_with("0b") || word.starts_with("0B");
  value = std::strtoull(word.c_str() + (binary ? 2 : 0), &end, binary ? 2 : 0);
  if (minus)
    value = -value;
  return *end == 0;
}

namespace {

bool isName(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%'; }

// Blanks instead of comments, with the ends of lines left.
std::string withoutComments(std::string_view text) {
  std::string result(text);
  for (size_t i = 0; i < result.size(); ++i) {
    bool line = result.compare(i, 2, "//") == 0;
    if (!line && result.compare(i, 2, "/*") != 0)
      continue;
    size_t end = line ? result.find('\n', i) : result.find("*/", i + 2);
    end = end == result.npos ? result.size() : line ? end : end + 2;
    for (; i < end; ++i)
      if (result[i] != '\n')
        result[i] = ' ';
    --i;
  }
  return result;
}

class Parser {
public:
  explicit Parser(std::string_view text) : text(withoutComments(text)) {}
  Module run();

private:
  std::string text;
  size_t at = 0;
  u32 line = 1;
  Module module;

  void advance(size_t to) {
    for (; at < to; ++at)
      line += text[at] == '\n';
  }
  bool skipBlanks() {
    size_t next = text.find_first_not_of(" \t\r\n", at);
    advance(next == text.npos ? text.size() : next);
    return at < text.size();
  }
  std::string upTo(char end) {
    size_t found = text.find(end, at);
    if (found == text.npos)
      refuse(line, std::string("expected '") + end + "' before the end of the module");
    std::string part = trimmed(std::string_view(text).substr(at, found - at));
    advance(found + 1);
    return part;
  }
  std::string upToLineEnd() {
    size_t found = text.find('\n', at);
    std::string part = trimmed(std::string_view(text).substr(at, found == text.npos ? text.npos : found - at));
    advance(found == text.npos ? text.size() : found);
    return part;
  }
  std::string word() {
    size_t end = at + (at < text.size() && text[at] == '.');
    while (end < text.size() && isName(text[end]))
      ++end;
    return text.substr(at, end - at);
  }
  void skipBraces() {
    int depth = 0;
    do {
      size_t next = text.find_first_of("{}", at);
      if (next == text.npos)
        refuse(line, "expected '}' before the end of the module");
      depth += text[next] == '{' ? 1 : -1;
      advance(next + 1);
    } while (depth);
  }
  void parseFunction();
  void parseBody(Function &function);
};

Module Parser::run() {
  while (skipBlanks()) {
    std::string directive = word();
    if (directive == ".version") {
      std::string value = upToLineEnd().substr(8);
      size_t point = value.find('.');
      module.version = u32(std::atoi(value.c_str()) * 10 + (point == value.npos ? 0 : std::atoi(value.c_str() + point + 1)));
    } else if (directive == ".target") {
      module.targetName = trimmed(std::string_view(upToLineEnd()).substr(7));
      module.targetName = module.targetName.substr(0, module.targetName.find_first_of(", "));
      module.target = module.targetName.starts_with("sm_") ? u32(std::atoi(module.targetName.c_str() + 3)) : 0;
    } else if (directive == ".address_size") {
      if (std::string size = upToLineEnd(); trimmed(size.substr(13)) != "64")
        refuse(line, "expected .address_size 64");
    } else if (directive == ".file" || directive == ".loc") {
      upToLineEnd();
    } else if (directive == ".section") {
      skipBraces();
    } else {
      // Up to what comes first: a function has parentheses, a variable ends before.
      size_t stop = text.find_first_of("(;=", at);
      std::string head = stop == text.npos ? "" : text.substr(at, stop - at);
      if (head.find(".entry") != head.npos || head.find(".func") != head.npos) {
        parseFunction();
        continue;
      }
      if (directive.size() < 2 || directive[0] != '.')
        refuse(line, "expected a directive (got '" + text.substr(at, std::min<size_t>(40, text.find('\n', at) - at)) + "')");
      u32 begin = line;
      for (Declaration &variable : parseDeclarations(upTo(';'), begin))
        module.variables.push_back(std::move(variable));
    }
  }
  if (!module.version || !module.target)
    refuse(1, "expected .version and .target sm_<number> before everything else");
  return std::move(module);
}

void Parser::parseFunction() {
  Function function;
  function.line = line;
  auto parameters = [&] {
    advance(text.find('(', at) + 1);
    u32 begin = line;
    std::vector<Declaration> result;
    // No parameter's type has parentheses.
    for (const std::string &one : splitOperands(upTo(')')))
      for (Declaration &param : parseDeclarations(one, begin))
        result.push_back(std::move(param));
    skipBlanks();
    return result;
  };
  for (std::string directive = word(); directive != ".entry" && directive != ".func"; directive = word()) {
    if (directive != ".visible" && directive != ".extern" && directive != ".weak")
      refuse(line, "unknown directive '" + directive + "' before a function");
    advance(at + directive.size());
    skipBlanks();
  }
  function.entry = word() == ".entry";
  advance(at + word().size());
  skipBlanks();
  if (text[at] == '(')
    function.results = parameters();
  function.name = word();
  advance(at + function.name.size());
  skipBlanks();
  if (at < text.size() && text[at] == '(')
    function.params = parameters();
  while (skipBlanks() && text[at] == '.') {
    std::string directive = upToLineEnd();
    auto numbers = [&](size_t skip) {
      std::vector<u32> values;
      for (const std::string &number : splitOperands(std::string_view(directive).substr(skip)))
        values.push_back(u32(std::atoi(number.c_str())));
      values.resize(3, 1);
      return values;
    };
    if (directive.starts_with(".maxntid")) {
      auto sizes = numbers(8);
      function.maxThreads = sizes[0] * sizes[1] * sizes[2];
    } else if (directive.starts_with(".reqntid")) {
      auto sizes = numbers(8);
      for (int i = 0; i != 3; ++i)
        function.requiredThreads[i] = sizes[size_t(i)];
    } else if (!directive.starts_with(".minnctapersm") && !directive.starts_with(".maxnreg") && !directive.starts_with(".noreturn") &&
               !directive.starts_with(".pragma")) {
      refuse(line, "unknown directive '" + directive + "' of a function");
    }
  }
  if (at < text.size() && text[at] == '{') {
    function.defined = true;
    parseBody(function);
  } else {
    upTo(';');
  }
  module.functions.push_back(std::move(function));
}

void Parser::parseBody(Function &function) {
  int depth = 0;
  auto add = [&](Statement::Kind kind, std::string part, u32 begin) { function.body.push_back({kind, std::move(part), begin - function.line}); };
  do {
    if (!skipBlanks())
      refuse(line, "expected '}' at the end of '" + function.name + "'");
    u32 begin = line;
    char c = text[at];
    if (c == '{' || c == '}') {
      depth += c == '{' ? 1 : -1;
      add(c == '{' ? Statement::Kind::open : Statement::Kind::close, "", begin);
      advance(at + 1);
    } else if (c == '.') {
      std::string directive = word();
      if (directive == ".loc" || directive == ".file")
        upToLineEnd();
      else
        add(Statement::Kind::directive, upTo(';'), begin);
    } else if (c == ';') {
      advance(at + 1);
    } else {
      std::string first = word();
      size_t after = text.find_first_not_of(" \t", at + first.size());
      if (!first.empty() && after != text.npos && text[after] == ':' && text.compare(after, 2, "::") != 0) {
        add(Statement::Kind::label, first, begin);
        advance(after + 1);
      } else {
        add(Statement::Kind::instruction, upTo(';'), begin);
      }
    }
  } while (depth);
}

} // namespace

std::vector<Declaration> parseDeclarations(std::string_view text, u32 line) {
  Declaration common;
  common.line = line;
  std::string rest = trimmed(text);
  if (size_t equals = rest.find('='); equals != rest.npos) {
    common.initializer = trimmed(rest.substr(equals + 1));
    rest = trimmed(rest.substr(0, equals));
  }
  while (rest.starts_with(".")) {
    size_t end = 1;
    while (end < rest.size() && (isName(rest[end]) || rest[end] == ':'))
      ++end;
    std::string directive = rest.substr(1, end - 1);
    rest = trimmed(rest.substr(end));
    if (directive == "align") {
      char *after = nullptr;
      common.align = u32(std::strtoul(rest.c_str(), &after, 10));
      rest = trimmed(after);
    } else if (Type type = typeNamed(directive); type.kind) {
      common.type = type;
    } else if (directive == "reg" || directive == "param" || directive == "local" || directive == "shared" || directive == "global" || directive == "const") {
      // `.ptr .global` of a parameter says where it points.
      if (common.space.empty())
        common.space = directive;
    } else if (directive == "extern") {
      common.external = true;
    } else if (directive != "visible" && directive != "weak" && directive != "common" && directive != "ptr" && directive != "volatile") {
      refuse(line, "unknown directive '." + directive + "'");
    }
  }
  if (!common.type.kind || common.space.empty())
    refuse(line, "expected a declaration with a state space and a type (got '" + std::string(text.substr(0, 60)) + "')");
  std::vector<Declaration> result;
  for (std::string name : splitOperands(rest)) {
    Declaration one = common;
    if (size_t bracket = name.find('<'); bracket != name.npos) {
      one.many = true;
      one.elements = std::strtoull(name.c_str() + bracket + 1, nullptr, 10);
      name = trimmed(name.substr(0, bracket));
    }
    for (size_t bracket = name.find('['); bracket != name.npos; bracket = name.find('[', bracket + 1))
      one.elements *= std::strtoull(name.c_str() + bracket + 1, nullptr, 0);
    name = trimmed(name.substr(0, name.find('[')));
    if (name.empty())
      refuse(line, "expected a name (got '" + std::string(text.substr(0, 60)) + "')");
    one.name = name;
    one.align = std::max(one.align, one.space == "reg" ? 1 : one.type.bytes());
    result.push_back(std::move(one));
  }
  return result;
}

Module parsePtx(std::string_view text) { return Parser(text).run(); }

} // namespace lathe::emulator
