// What the text of a cell means: an id that is an int, a number, a point in time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ridgeback {

// The int64 that this is the canonical decimal of: no spaces, plus sign, leading zeros or "-0".
std::optional<std::int64_t> parse_canonical_int(std::string_view text);

// A decimal number, spaces around it allowed; "nan" and "inf" are read as such, anything else is none.
std::optional<double> parse_number(std::string_view text);

struct Moment {
  bool is_date;        // else a plain number
  std::int64_t value;  // the number, or microseconds since 1970 UTC
};

// A whole number ("964982703", "964982703.0"), or an ISO 8601 date or date-time, taken as UTC unless it names an
// offset.
std::optional<Moment> parse_moment(std::string_view text);

// The moment that a floating-point number is: whole and within int64.
std::optional<Moment> moment_of(double number);

}  // namespace ridgeback
