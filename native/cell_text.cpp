#include "cell_text.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>

#if !defined(__cpp_lib_to_chars)
#include <locale>
#include <sstream>
#endif

namespace ridgeback {
namespace {

// Up to eight characters as a little-endian word, read without a branch a character and not beyond the last one.
std::uint64_t load(const char* p, std::size_t n) {
  const auto byte = [&](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(p[i])}; };
  if (n < 4) return n == 0 ? 0 : byte(0) | byte(n / 2) << (8 * (n / 2)) | byte(n - 1) << (8 * (n - 1));
  const auto four = [&](std::size_t i) {
    std::uint32_t word;
    std::memcpy(&word, p + i, 4);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap32(word);
    return std::uint64_t{word};
  };
  return four(0) | four(n - 4) << (8 * (n - 4));
}

// The number that n digits (1 to 8) of a loaded word spell, or -1 where one of them is no digit.
std::int64_t number_of_digits(std::uint64_t word, std::size_t n) {
  constexpr std::uint64_t kZeros = 0x3030303030303030;
  word = n == 8 ? word : word << (64 - 8 * n) | kZeros >> (8 * n);  // leading zeros up to eight digits
  const std::uint64_t values = word ^ kZeros;
  if ((values | (values + 0x0606060606060606)) & 0xF0F0F0F0F0F0F0F0) return -1;
  const std::uint64_t pairs = (values * 10 + (values >> 8)) & 0x00FF00FF00FF00FF;
  const std::uint64_t fours = (pairs * 100 + (pairs >> 16)) & 0x0000FFFF0000FFFF;
  return static_cast<std::int64_t>((fours * 10000 + (fours >> 32)) & 0xFFFFFFFF);
}

// The same for up to 16 digits.
std::int64_t number_of_digits(std::string_view digits) {
  const std::size_t n = digits.size();
  if (n == 0 || n > 16) return -1;
  if (n <= 8) return number_of_digits(load(digits.data(), n), n);
  const std::int64_t upper = number_of_digits(load(digits.data(), n - 8), n - 8);
  const std::int64_t lower = number_of_digits(load(digits.data() + n - 8, 8), 8);
  return upper < 0 || lower < 0 ? -1 : upper * 100'000'000 + lower;
}

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Any decimal that the fast path leaves over.
std::optional<double> parse_slowly(std::string_view text) {
#if defined(__cpp_lib_to_chars)
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {  // beyond float64, or too small to tell from 0
    const std::size_t exponent = text.find_first_of("eE");
    const char first = text.front() == '-' ? text[1] : text.front();
    const bool is_small = exponent != std::string_view::npos ? text[exponent + 1] == '-' : first == '0' || first == '.';
    return is_small ? 0.0 : std::numeric_limits<double>::infinity();
  }
  if (error != std::errc()) return std::nullopt;
  return value;
#else
  std::istringstream stream{std::string(text)};
  stream.imbue(std::locale::classic());
  double value = 0.0;
  stream >> value;
  if (stream.fail() || stream.peek() != std::istringstream::traits_type::eof()) return std::nullopt;
  return value;
#endif
}

// Reads exactly `n_digits` digits at `p` and moves on; -1 where there are fewer.
int read_digits(const char*& p, const char* end, int n_digits) {
  if (end - p < n_digits) return -1;
  int value = 0;
  for (int i = 0; i < n_digits; ++i) {
    if (!is_digit(p[i])) return -1;
    value = value * 10 + (p[i] - '0');
  }
  p += n_digits;
  return value;
}

bool take(const char*& p, const char* end, char wanted) {
  if (p == end || *p != wanted) return false;
  ++p;
  return true;
}

// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March.
std::int64_t days_since_epoch(int year, int month, int day) {
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t year_of_era = y - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

int days_in_month(int year, int month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Microseconds of "HH:MM[:SS[.fraction]]" at p.
std::optional<std::int64_t> read_time(const char*& p, const char* end) {
  const int hour = read_digits(p, end, 2);
  if (hour < 0 || hour > 23 || !take(p, end, ':')) return std::nullopt;
  const int minute = read_digits(p, end, 2);
  if (minute < 0 || minute > 59) return std::nullopt;
  std::int64_t micros = (hour * 60 + minute) * std::int64_t{60'000'000};
  if (!take(p, end, ':')) return micros;
  const int second = read_digits(p, end, 2);
  if (second < 0 || second > 59) return std::nullopt;
  micros += second * std::int64_t{1'000'000};
  if (!take(p, end, '.')) return micros;
  if (p == end || !is_digit(*p)) return std::nullopt;
  for (std::int64_t unit = 100'000; p != end && is_digit(*p); ++p, unit /= 10) micros += (*p - '0') * unit;
  return micros;
}

// Microseconds to subtract for "Z", " UTC", "+HH", "+HHMM" or "+HH:MM" at p; none there means UTC.
std::optional<std::int64_t> read_offset(const char*& p, const char* end) {
  if (p == end) return 0;
  const std::string_view rest(p, static_cast<std::size_t>(end - p));
  if (rest == "Z" || rest == "z" || rest == " UTC" || rest == "UTC") {
    p = end;
    return 0;
  }
  const std::int64_t sign = *p == '-' ? -1 : 1;
  if (*p != '+' && *p != '-') return std::nullopt;
  ++p;
  const int hours = read_digits(p, end, 2);
  if (hours < 0 || hours > 23) return std::nullopt;
  int minutes = 0;
  if (p != end) {
    take(p, end, ':');
    minutes = read_digits(p, end, 2);
    if (minutes < 0 || minutes > 59) return std::nullopt;
  }
  return sign * (hours * 60 + minutes) * std::int64_t{60'000'000};
}

std::optional<std::int64_t> parse_iso(std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  const int year = read_digits(p, end, 4);
  if (year < 0 || !take(p, end, '-')) return std::nullopt;
  const int month = read_digits(p, end, 2);
  if (month < 1 || month > 12 || !take(p, end, '-')) return std::nullopt;
  const int day = read_digits(p, end, 2);
  if (day < 1 || day > days_in_month(year, month)) return std::nullopt;
  std::int64_t micros = days_since_epoch(year, month, day) * std::int64_t{86'400'000'000};
  if (p == end) return micros;
  if (!take(p, end, 'T') && !take(p, end, 't') && !take(p, end, ' ')) return std::nullopt;
  const auto time = read_time(p, end);
  if (!time) return std::nullopt;
  const auto offset = read_offset(p, end);
  if (!offset || p != end) return std::nullopt;
  return micros + *time - *offset;
}

}  // namespace

std::optional<std::int64_t> parse_canonical_int(std::string_view text) {
  const bool is_negative = !text.empty() && text.front() == '-';
  const std::string_view digits = text.substr(is_negative ? 1 : 0);
  if (digits.empty() || digits.size() > 19) return std::nullopt;
  if (digits.front() == '0' && (digits.size() > 1 || is_negative)) return std::nullopt;
  if (digits.size() <= 16) {
    const std::int64_t number = number_of_digits(digits);
    if (number < 0) return std::nullopt;
    return is_negative ? -number : number;
  }
  std::uint64_t magnitude = 0;  // 19 digits stay below 2^64
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    magnitude = magnitude * 10 + static_cast<std::uint64_t>(c - '0');
  }
  const std::uint64_t limit = std::uint64_t{1} << 63;
  if (magnitude > (is_negative ? limit : limit - 1)) return std::nullopt;
  return static_cast<std::int64_t>(is_negative ? 0 - magnitude : magnitude);
}

std::optional<double> parse_number(std::string_view text) {
  text = trim(text);
  if (text.size() > 1 && text.front() == '+' && text[1] != '-' && text[1] != '+') text.remove_prefix(1);
  const bool is_negative = !text.empty() && text.front() == '-';
  const std::string_view digits = text.substr(is_negative ? 1 : 0);

  // Up to 15 digits over a power of ten that float64 holds: one correctly rounded division.
  static constexpr double kPowers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  if (!digits.empty() && digits.size() <= 8) {  // one word, from which the point is taken out
    std::uint64_t word = load(digits.data(), digits.size());
    const std::size_t point = digits.find('.');
    std::size_t n_digits = digits.size(), n_decimals = 0;
    if (point != std::string_view::npos && n_digits > 1) {
      n_decimals = --n_digits - point;
      const std::uint64_t below = (std::uint64_t{1} << (8 * point)) - 1;
      word = (word & below) | (point == 7 ? 0 : word >> 8 & ~below);
    }
    const std::int64_t mantissa = number_of_digits(word, n_digits);
    if (mantissa >= 0) {
      const double value = static_cast<double>(mantissa) / kPowers[n_decimals];
      return is_negative ? -value : value;
    }
  }
  return text.empty() ? std::nullopt : parse_slowly(text);
}

std::optional<Moment> moment_of(double number) {
  if (!(std::fabs(number) < 9223372036854775808.0) || std::trunc(number) != number) return std::nullopt;
  return Moment{false, static_cast<std::int64_t>(number)};
}

std::optional<Moment> parse_moment(std::string_view text) {
  text = trim(text);
  if (text.empty()) return std::nullopt;
  const bool has_sign = text.front() == '-' || text.front() == '+';
  std::string_view digits = text.substr(has_sign ? 1 : 0);
  const std::size_t point = digits.find('.');
  if (point != std::string_view::npos && digits.find_first_not_of('0', point + 1) == std::string_view::npos)
    digits = digits.substr(0, point);
  std::int64_t number = number_of_digits(digits);
  if (number >= 0) return Moment{false, text.front() == '-' ? -number : number};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error == std::errc() && end == digits.data() + digits.size() && is_digit(digits.front()))
    return Moment{false, text.front() == '-' ? -number : number};
  if (const auto micros = parse_iso(text)) return Moment{true, *micros};
  if (const auto real = parse_number(text)) return moment_of(*real);  // 9.6e8
  return std::nullopt;
}

}  // namespace ridgeback
