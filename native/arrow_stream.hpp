// The Arrow C stream interface (its three structs are the interface), as far as columns of events need it.
#pragma once

#include <cstdint>

#include "event_table.hpp"

namespace ridgeback {

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};

struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream*, ArrowSchema* out);
  int (*get_next)(ArrowArrayStream*, ArrowArray* out);
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};

// Reads the stream to its end: columns of int64, float64, float32 or text, one a role, in order. The stream is
// released. Throws std::runtime_error with the producer's words, std::invalid_argument where the columns are of other
// kinds. Returns false when stopped by a signal or a bad row.
bool add_stream(ArrowArrayStream& stream, EventTable& table, const Execution& execution);

}  // namespace ridgeback
