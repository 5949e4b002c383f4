#include "arrow_stream.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace ridgeback {
namespace {

// Calls release, where there is one, on the way out.
template <class T>
struct Owned {
  T value{};
  ~Owned() {
    if (value.release) value.release(&value);
  }
};

void check(int code, ArrowArrayStream& stream) {
  if (code == 0) return;
  const char* words = stream.get_last_error(&stream);
  throw std::runtime_error(words ? words : "the producer of the rows failed without a word");
}

TypedColumn::Kind kind_of(const ArrowSchema& schema) {
  const std::string_view format = schema.format;
  if (!schema.dictionary) {
    if (format == "l") return TypedColumn::kInt64;
    if (format == "g") return TypedColumn::kFloat64;
    if (format == "f") return TypedColumn::kFloat32;
    if (format == "u") return TypedColumn::kText32;
    if (format == "U") return TypedColumn::kText64;
  }
  throw std::invalid_argument("a column has the Arrow format '" + std::string(format) + "', which is not read here");
}

TypedColumn column_of(TypedColumn::Kind kind, const ArrowArray& parent, const ArrowArray& array) {
  TypedColumn column{kind, array.buffers[1]};
  if (kind == TypedColumn::kText32 || kind == TypedColumn::kText64)
    column.bytes = static_cast<const char*>(array.buffers[2]);
  if (array.null_count != 0) column.bits = static_cast<const std::uint8_t*>(array.buffers[0]);
  column.offset = parent.offset + array.offset;
  return column;
}

}  // namespace

bool add_stream(ArrowArrayStream& stream, EventTable& table, const Execution& execution) {
  Owned<ArrowArrayStream> owned{stream};
  stream.release = nullptr;
  Owned<ArrowSchema> schema;
  check(owned.value.get_schema(&owned.value, &schema.value), owned.value);
  if (schema.value.n_children != static_cast<std::int64_t>(table.plan.size()))
    throw std::invalid_argument("the stream has another number of columns than there are roles");
  std::vector<TypedColumn::Kind> kinds;
  for (std::int64_t i = 0; i < schema.value.n_children; ++i) kinds.push_back(kind_of(*schema.value.children[i]));

  for (;;) {
    Owned<ArrowArray> batch;
    check(owned.value.get_next(&owned.value, &batch.value), owned.value);
    if (!batch.value.release) return true;
    std::vector<TypedColumn> columns;
    for (std::size_t i = 0; i < kinds.size(); ++i)
      columns.push_back(column_of(kinds[i], batch.value, *batch.value.children[i]));
    if (!table.add_rows(columns, batch.value.length, execution)) return false;
    if (execution.interrupted && execution.interrupted()) return false;
  }
}

}  // namespace ridgeback
