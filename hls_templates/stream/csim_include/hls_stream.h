// hls::stream with the interface of Vitis HLS, for C-simulation: an unbounded first-in-first-out.
//
// Reading an empty stream aborts and names the stream: in hardware it would hang. Words lie one
// after the other in memory; C-simulation may look at, take and put many at once.
#ifndef FPGACOMP_CSIM_HLS_STREAM_H
#define FPGACOMP_CSIM_HLS_STREAM_H

#define FPGACOMP_LIGHT_HLS_STREAM 1

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>

namespace apsim {

// Bytes from head to tail are in use. A store outlives its stream and serves the next one: a
// design's streams come and go in the same order with every frame.
struct byte_store {
  char* bytes;
  std::size_t head, tail, capacity;
  byte_store* next;

  // Bytes that were read make room first; the store doubles only when half of it is in use.
  __attribute__((noinline)) void make_room(std::size_t count) {
    const std::size_t used = tail - head;
    if (used * 2 <= capacity && used + count <= capacity) {
      if (used != 0) std::memmove(bytes, bytes + head, used);
    } else {
      do {
        capacity = capacity == 0 ? 4096 : 2 * capacity;
      } while (capacity < used + count);
      char* const larger = static_cast<char*>(std::malloc(capacity));
      if (larger == nullptr) std::abort();
      if (used != 0) std::memcpy(larger, bytes + head, used);
      std::free(bytes);
      bytes = larger;
    }
    head = 0;
    tail = used;
  }

  static byte_store*& unused() {
    static byte_store* first = nullptr;
    return first;
  }
  static __attribute__((noinline)) byte_store* open() {
    byte_store* const found = unused();
    if (found == nullptr) return new byte_store();
    unused() = found->next;
    return found;
  }
  static __attribute__((noinline)) void close(byte_store* store, const char* name,
                                              std::size_t word_bytes) {
    const std::size_t left = store->tail - store->head;
    if (left != 0)
      std::fprintf(stderr, "WARNING: stream '%s' ends with %zu words unread\n", name,
                   left / word_bytes);
    store->head = store->tail = 0;
    store->next = unused();
    unused() = store;
  }
  [[noreturn]] static __attribute__((noinline)) void underflow(const char* name) {
    std::fprintf(stderr, "ERROR: stream '%s' is read while empty\n", name);
    std::abort();
  }
};

}  // namespace apsim

namespace hls {

template <class T, int DEPTH = 0> class stream {
  // A word may have an assignment of its own, as hls4ml's arrays do, if that only copies it.
  static_assert(std::is_trivially_copy_constructible<T>::value, "words are copied byte by byte");

 public:
  stream() : stream("stream") {}
  explicit stream(const char* name) : name_(name), store_(apsim::byte_store::open()) {}
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream() { apsim::byte_store::close(store_, name_, sizeof(T)); }

  bool empty() const { return store_->head == store_->tail; }
  bool full() const { return false; }
  std::size_t size() const { return (store_->tail - store_->head) / sizeof(T); }
  const char* name() const { return name_; }

  T read() { return *take(1); }
  void read(T& word) { word = read(); }
  void operator>>(T& word) { word = read(); }
  bool read_nb(T& word) {
    if (empty()) return false;
    word = read();
    return true;
  }
  void write(const T& word) { *put(1) = word; }
  void operator<<(const T& word) { write(word); }
  bool write_nb(const T& word) {
    write(word);
    return true;
  }

  // For C-simulation only: the next `count` words, where they lie until the next write.
  const T* look(std::size_t count) const {
    if (store_->tail - store_->head < count * sizeof(T)) apsim::byte_store::underflow(name_);
    return reinterpret_cast<const T*>(store_->bytes + store_->head);
  }
  // The same, and they are read.
  const T* take(std::size_t count) {
    const T* const words = look(count);
    store_->head += count * sizeof(T);
    return words;
  }
  // `count` more words, for the caller to fill in before the stream is used again.
  T* put(std::size_t count) {
    if (store_->capacity - store_->tail < count * sizeof(T)) store_->make_room(count * sizeof(T));
    T* const words = reinterpret_cast<T*>(store_->bytes + store_->tail);
    store_->tail += count * sizeof(T);
    return words;
  }

 private:
  const char* name_;
  apsim::byte_store* store_;
};

}  // namespace hls

#endif
