// Scratch memory on cache-line boundaries, one piece a worker, made when the worker first needs it.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace ridgeback {

struct FreeAligned {
  void operator()(void* memory) const { ::operator delete(memory, std::align_val_t(64)); }
};

class WorkerScratch {
 public:
  WorkerScratch(int n_workers, std::size_t bytes) : pieces_(n_workers), bytes_(bytes) {}
  void* of(int worker) {
    auto& piece = pieces_[worker];
    if (!piece) piece.reset(::operator new(bytes_, std::align_val_t(64)));
    return piece.get();
  }

 private:
  std::vector<std::unique_ptr<void, FreeAligned>> pieces_;
  std::size_t bytes_;
};

}  // namespace ridgeback
