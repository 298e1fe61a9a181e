#include "tools/support/Arguments.h"

#include "tools/support/Status.h"
#include "tools/support/Suggest.h"

#include <CLI/CLI.hpp>
#include <cctype>
#include <charconv>
#include <iostream>

namespace lathe::tools {

Arguments::Arguments(const std::string &command, const std::string &description)
    : command(command), app(std::make_unique<CLI::App>(description, "lathe " + command)) {
  app->allow_extras();
  app->option_defaults()->ignore_case();
}

Arguments::~Arguments() = default;

void Arguments::positional(const std::string &name, std::string &value, const std::string &help) {
  app->add_option(name, value, help)->required();
  firstPositional = firstPositional.empty() ? name : firstPositional;
}

void Arguments::option(const std::string &names, std::string &value, const std::string &help) { app->add_option(names, value, help)->type_name(""); }

void Arguments::option(const std::string &names, std::vector<std::string> &values, const std::string &help) {
  // One value per occurrence: a flag must not swallow the artifact that follows it.
  app->add_option(names, values, help)->type_name("")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
}

void Arguments::flag(const std::string &names, bool &value, const std::string &help) { app->add_flag(names, value, help); }

bool Arguments::parse(const std::vector<std::string> &arguments) {
  std::vector<std::string> normal(arguments.rbegin(), arguments.rend()); // CLI11 takes them from the back
  for (std::string &argument : normal)
    if (argument.size() > 2 && argument[0] == '-' && std::isalpha((unsigned char)argument[1]))
      argument.insert(0, "-");
  try {
    app->parse(normal);
  } catch (const CLI::CallForHelp &) {
    std::cout << app->help();
    return false;
  } catch (const CLI::RequiredError &) {
    if (app->remaining().empty())
      throw Failure(Usage, "lathe " + command + ": the " + firstPositional + " is missing; see lathe " + command + " --help");
  } catch (const CLI::ArgumentMismatch &error) {
    std::string text = error.what();
    throw Failure(Usage, "lathe " + command + ": " + text.substr(0, text.find(':')) + " needs a value");
  } catch (const CLI::ParseError &error) {
    std::string text = error.what();
    throw Failure(Usage, "lathe " + command + ": " + text.substr(0, text.find('\n')));
  }
  for (const std::string &extra : app->remaining()) {
    if (extra.size() < 2 || extra[0] != '-')
      throw Failure(Usage, "lathe " + command + ": unexpected argument '" + extra + "'");
    std::vector<std::string> known;
    for (const CLI::Option *option : app->get_options())
      for (const std::string &name : option->get_lnames())
        known.push_back("--" + name);
    std::string name = extra.substr(0, extra.find('='));
    throw Failure(Usage, "lathe " + command + ": unknown flag '" + name + "'" + didYouMean(name, known));
  }
  return true;
}

template <typename T> static T number(const std::string &flag, const std::string &text, T min, T max, const std::string &rule) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= min && value <= max))
    throw Failure(Usage, flag + " is '" + text + "', expected " + rule);
  return value;
}

int integerArgument(const std::string &flag, const std::string &text, int min, int max) {
  return number(flag, text, min, max, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
}

double realArgument(const std::string &flag, const std::string &text, double min, double max) {
  char rule[96];
  std::snprintf(rule, sizeof rule, "a number from %g to %g", min, max);
  return number(flag, text, min, max, rule);
}

} // namespace lathe::tools
