// SPDX-License-Identifier: MIT
// monitor/panel and dial: files that change under a folder that stands for "/".
#include "check.h"

#include "monitor/panel.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <unistd.h>

using namespace hwa;
using monitor::Panel;
using monitor::Reading;

static constexpr uint64_t second = 1000000000;
static const std::string card_folder = "/sys/bus/pci/devices/0000:03:00.0/";

namespace {

/// A folder of files, gone at the end.
class Tree {
  public:
    Tree() {
        char pattern[] = "/tmp/hwa-panel-XXXXXX";
        root_ = ::mkdtemp(pattern);
    }
    ~Tree() { std::filesystem::remove_all(root_); }
    Tree(const Tree &) = delete;
    Tree &operator=(const Tree &) = delete;

    const std::string &root() const { return root_; }
    /// Written over in place, as the kernel's files change.
    void put(const std::string &path, const std::string &text) const {
        std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
        FILE *file = std::fopen((root_ + path).c_str(), "w");
        assert_non_null(file);
        std::fputs(text.c_str(), file);
        std::fclose(file);
    }

  private:
    std::string root_;
};

} // namespace

static core::System with(const char *id, const char *driver,
                         core::MemoryRole role = core::MemoryRole::Dedicated) {
    core::System system;
    core::Device device;
    device.id = id;
    device.kind = core::Kind::Gpu;
    device.driver = {driver, core::Source::Kernel};
    core::Memory memory;
    memory.role = role;
    memory.size_bytes = {1000, core::Source::Kernel};
    device.memories.push_back(memory);
    system.devices.push_back(device);
    return system;
}

static Reading read(Panel &panel, uint64_t now_ns) {
    Reading reading;
    panel.read(now_ns, reading);
    return reading;
}

static bool near(float value, double expected) {
    return std::fabs(static_cast<double>(value) - expected) < 1e-4;
}

static void reads_an_amd_card(void **) {
    const Tree tree;
    tree.put(card_folder + "power/runtime_status", "active\n");
    tree.put(card_folder + "gpu_busy_percent", "35\n");
    tree.put(card_folder + "mem_info_vram_used", "400\n");
    tree.put(card_folder + "mem_info_vram_total", "1200\n");
    tree.put(card_folder + "hwmon/hwmon4/temp1_input", "-4500\n");
    tree.put(card_folder + "hwmon/hwmon4/power1_average", "120500000\n");
    tree.put(card_folder + "pp_dpm_sclk", "0: 500Mhz *\n1: 1000Mhz \n2: 2100Mhz \n");
    const core::System system = with("pci-0000:03:00.0", "amdgpu 6.1.0");
    Panel panel = Panel::open(tree.root(), system, system.devices[0]);
    Reading reading = read(panel, second);
    assert_true(reading.status == base::Status::Ok);
    assert_true(near(reading.utilization, 0.35));
    assert_int_equal(reading.memory_used_bytes, 400);
    assert_int_equal(reading.memory_total_bytes, 1200);
    assert_int_equal(reading.memory_free_bytes, 800);
    assert_true(near(reading.temperature_c, -4.5));
    assert_true(near(reading.power_w, 120.5));
    assert_int_equal(reading.clock_hz, 500000000);
    assert_int_equal(reading.time_ns, second);

    tree.put(card_folder + "gpu_busy_percent", "0\n");
    tree.put(card_folder + "pp_dpm_sclk", "0: 500Mhz \n1: 1000Mhz \n2: 2100Mhz *\n");
    tree.put(card_folder + "mem_info_vram_used", "garbage\n");
    reading = read(panel, 2 * second);
    assert_true(near(reading.utilization, 0)); // a zero is known
    assert_int_equal(reading.clock_hz, 2100000000);
    assert_true(reading.memory_used_bytes == monitor::unknown_count);
    assert_true(reading.memory_free_bytes == monitor::unknown_count);
    assert_true(near(reading.power_w, 120.5));
}

static void lets_it_sleep(void **) {
    const Tree tree;
    tree.put(card_folder + "power/runtime_status", "active\n");
    tree.put(card_folder + "npu_busy_time_us", "1000000\n");
    const core::System system = with("pci-0000:03:00.0", "intel_vpu");
    Panel panel = Panel::open(tree.root(), system, system.devices[0]);
    assert_true(std::isnan(read(panel, second).utilization));
    for (const char *word : {"suspended\n", "suspending\n"}) {
        tree.put(card_folder + "power/runtime_status", word);
        const Reading asleep = read(panel, 2 * second);
        assert_true(asleep.asleep);
        assert_true(asleep.status == base::Status::Unavailable);
        assert_true(asleep.message.find("asleep") != std::string::npos);
        assert_true(std::isnan(asleep.utilization));
        assert_true(asleep.memory_total_bytes == monitor::unknown_count);
    }
    // What it did before it fell asleep says nothing of the time since.
    tree.put(card_folder + "power/runtime_status", "active\n");
    assert_true(std::isnan(read(panel, 3 * second).utilization));
    tree.put(card_folder + "npu_busy_time_us", "1250000\n");
    assert_true(near(read(panel, 4 * second).utilization, 0.25));
}

static void takes_differences(void **) {
    const Tree tree;
    const std::string idle = card_folder + "tile0/gt0/gtidle/idle_residency_ms";
    const std::string energy = card_folder + "hwmon/hwmon0/energy1_input";
    tree.put(idle, "1000\n");
    tree.put(energy, "5000000\n");
    const core::System system = with("pci-0000:03:00.0", "xe");
    Panel panel = Panel::open(tree.root(), system, system.devices[0]);
    Reading reading = read(panel, second);
    assert_true(std::isnan(reading.utilization) && std::isnan(reading.power_w));
    tree.put(idle, "1250\n");
    tree.put(energy, "65000000\n");
    reading = read(panel, 2 * second);
    assert_true(near(reading.utilization, 0.75));
    assert_true(near(reading.power_w, 60));
    // Too soon to tell anything new.
    tree.put(idle, "1260\n");
    reading = read(panel, 2 * second + monitor::Dial::shortest_ns - 1);
    assert_true(near(reading.utilization, 0.75));
    // A counter that starts over.
    tree.put(idle, "10\n");
    tree.put(energy, "100\n");
    reading = read(panel, 3 * second);
    assert_true(std::isnan(reading.utilization) && std::isnan(reading.power_w));
    tree.put(idle, "1010\n");
    tree.put(energy, "1000100\n");
    reading = read(panel, 4 * second);
    assert_true(near(reading.utilization, 0));
    assert_true(near(reading.power_w, 1));
}

static void shares_memory_with_the_host(void **) {
    const Tree tree;
    tree.put(card_folder + "mem_info_gtt_used", "100\n");
    tree.put(card_folder + "mem_info_vram_used", "7\n");
    tree.put("/proc/meminfo", "MemTotal: 9 kB\nMemFree: 0 kB\nMemAvailable: 5 kB\n");
    core::System system = with("pci-0000:03:00.0", "amdgpu", core::MemoryRole::Shared);
    Panel panel = Panel::open(tree.root(), system, system.devices[0]);
    Reading reading = read(panel, second);
    assert_int_equal(reading.memory_used_bytes, 100);
    assert_int_equal(reading.memory_total_bytes, 1000); // as it was detected
    assert_int_equal(reading.memory_free_bytes, 900);
    tree.put("/proc/meminfo", "MemTotal: 9 kB\nMemAvailable: 0 kB\n");
    assert_int_equal(read(panel, second).memory_free_bytes, 0);
    // Of one whose driver does not tell what it uses, the host's part is still known.
    system = with("pci-0000:03:00.0", "i915", core::MemoryRole::Shared);
    tree.put("/proc/meminfo", "MemAvailable: 5 kB\n");
    tree.put(card_folder + "drm/card3/gt_act_freq_mhz", "0\n");
    Panel other = Panel::open(tree.root(), system, system.devices[0]);
    reading = read(other, second);
    assert_true(reading.memory_used_bytes == monitor::unknown_count);
    assert_int_equal(reading.memory_free_bytes, 1000); // never more than there is
    assert_int_equal(reading.clock_hz, 0);
}

static core::System processors(size_t count) {
    core::System system;
    for (size_t i = 0; i < count; ++i) {
        core::Device device;
        device.id = "cpu-" + std::to_string(i);
        device.kind = core::Kind::Cpu;
        device.put_attr(core::attr_text("cpu.list", i == 0 ? "0-1" : "2-3", core::Source::Kernel));
        device.put_attr(core::attr_text("numa.nodes", std::to_string(i), core::Source::Kernel));
        system.devices.push_back(device);
    }
    return system;
}

static std::string stat_text(int busy0, int busy2) {
    // user nice system idle iowait irq softirq steal guest guest_nice
    return "cpu  " + std::to_string(busy0 + busy2) + " 0 0 400 0 0 0 0 0 0\n" + //
           "cpu0 " + std::to_string(busy0) + " 0 0 100 0 0 0 0 50 0\n" +        //
           "cpu1 0 0 0 100 0 0 0 0 0 0\n" +                                     //
           "cpu2 " + std::to_string(busy2) + " 0 0 100 0 0 0 0 0 0\n" +         //
           "cpu3 0 0 0 100 0 0 0 0 0 0\nintr 5 5 5\n";
}

static void reads_processors(void **) {
    const Tree tree;
    tree.put("/proc/stat", stat_text(0, 0));
    tree.put("/proc/meminfo", "MemTotal: 8 kB\nMemFree: 1 kB\nMemAvailable: 6 kB\n");
    tree.put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "800000\n");
    tree.put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "3200000\n");
    tree.put("/sys/class/hwmon/hwmon2/name", "k10temp\n");
    tree.put("/sys/class/hwmon/hwmon2/temp1_input", "41250\n");
    tree.put("/sys/class/powercap/intel-rapl:0/name", "package-0\n");
    tree.put("/sys/class/powercap/intel-rapl:0/energy_uj", "0\n");
    const core::System system = processors(1);
    Panel panel = Panel::open(tree.root(), system, system.devices[0]);
    static_cast<void>(read(panel, second));
    std::string later = stat_text(30, 0);
    later.replace(later.find("400"), 3, "410"); // idle grew by 10 while 30 ticks were worked
    tree.put("/proc/stat", later);
    tree.put("/sys/class/powercap/intel-rapl:0/energy_uj", "25000000\n");
    const Reading reading = read(panel, 2 * second);
    assert_true(near(reading.utilization, 0.75));
    assert_int_equal(reading.memory_total_bytes, 8 * 1024);
    assert_int_equal(reading.memory_free_bytes, 6 * 1024);
    assert_int_equal(reading.memory_used_bytes, 2 * 1024);
    assert_int_equal(reading.clock_hz, 3200000000);
    assert_true(near(reading.temperature_c, 41.25));
    assert_true(near(reading.power_w, 25));
}

static void tells_sockets_apart(void **) {
    const Tree tree;
    tree.put("/proc/stat", stat_text(0, 0));
    for (const char *node : {"0", "1"})
        tree.put(std::string("/sys/devices/system/node/node") + node + "/meminfo",
                 std::string("Node ") + node + " MemTotal:  100 kB\nNode " + node +
                     " MemFree:   " + (*node == '0' ? "10" : "60") + " kB\nNode " + node +
                     " FilePages: 20 kB\nNode " + node + " Shmem: 5 kB\nNode " + node +
                     " SReclaimable: 1 kB\n");
    tree.put("/sys/devices/platform/coretemp.1/hwmon/hwmon7/temp1_input", "50000\n");
    const core::System system = processors(2);
    Panel first = Panel::open(tree.root(), system, system.devices[0]);
    Panel second_one = Panel::open(tree.root(), system, system.devices[1]);
    static_cast<void>(read(first, second));
    static_cast<void>(read(second_one, second));
    std::string later = stat_text(0, 50);
    later.replace(later.rfind("100"), 3, "150");
    tree.put("/proc/stat", later);
    const Reading idle = read(first, 2 * second), busy = read(second_one, 2 * second);
    assert_true(std::isnan(idle.utilization)); // none of its ticks has passed
    assert_true(near(busy.utilization, 0.5));
    assert_int_equal(idle.memory_free_bytes, (10 + 15 + 1) * 1024);
    assert_int_equal(busy.memory_free_bytes, (60 + 15 + 1) * 1024);
    assert_int_equal(busy.memory_used_bytes, 24 * 1024);
    assert_true(std::isnan(idle.temperature_c));
    assert_true(near(busy.temperature_c, 50));
}

static void has_nothing_of_what_tells_nothing(void **) {
    const Tree tree;
    core::System system = with("pci-0000:03:00.0", "fastchip");
    assert_false(Panel::open(tree.root(), system, system.devices[0]).any());
    tree.put(card_folder + "gpu_busy_percent", "35\n"); // of another driver, whatever it means
    assert_false(Panel::open(tree.root(), system, system.devices[0]).any());
    // A part of a card is not what the card's files are about.
    system = with("pci-0000:03:00.0-xcp1", "amdgpu");
    system.devices[0].parent = "pci-0000:03:00.0";
    assert_false(Panel::open(tree.root(), system, system.devices[0]).any());
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(reads_an_amd_card),
        cmocka_unit_test(lets_it_sleep),
        cmocka_unit_test(takes_differences),
        cmocka_unit_test(shares_memory_with_the_host),
        cmocka_unit_test(reads_processors),
        cmocka_unit_test(tells_sockets_apart),
        cmocka_unit_test(has_nothing_of_what_tells_nothing),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
