// A column that grows at its end. realloc moves large blocks by their page tables (where the system can), so that the
// old and the new copy are not in memory together, and pages not yet written to take none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace ridgeback {

template <class T>
class GrowingColumn {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  GrowingColumn() = default;
  GrowingColumn(GrowingColumn&& other) noexcept { swap(other); }
  GrowingColumn& operator=(GrowingColumn&& other) noexcept {
    swap(other);
    return *this;
  }
  ~GrowingColumn() { std::free(data_); }

  std::int64_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](std::int64_t i) { return data_[i]; }

  // Room for n more elements at the end, counted as if they were written.
  T* extend(std::int64_t n) {
    if (size_ + n > capacity_) reallocate(std::max<std::int64_t>(size_ + n, capacity_ + capacity_ / 2 + 1024));
    T* place = data_ + size_;
    size_ += n;
    return place;
  }

  void append(const T* values, std::int64_t n) {
    if (n > 0) std::memcpy(extend(n), values, static_cast<std::size_t>(n) * sizeof(T));
  }

  // Gives the buffer away (never null), to be freed by std::free.
  T* release() {
    if (size_ < capacity_ || !data_) reallocate(std::max<std::int64_t>(size_, 1));
    size_ = capacity_ = 0;
    return std::exchange(data_, nullptr);
  }

 private:
  void reallocate(std::int64_t capacity) {
    void* moved = std::realloc(data_, static_cast<std::size_t>(capacity) * sizeof(T));
    if (!moved) throw std::bad_alloc();
    data_ = static_cast<T*>(moved);
    capacity_ = capacity;
  }
  void swap(GrowingColumn& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  T* data_ = nullptr;
  std::int64_t size_ = 0, capacity_ = 0;
};

}  // namespace ridgeback
