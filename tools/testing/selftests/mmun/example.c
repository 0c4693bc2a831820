// SPDX-License-Identifier: GPL-2.0
/* Subscribe to a page, unmap it, and print the record of the invalidation. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test_mmun_uapi.h"

int main(void)
{
	struct mmun_span span = { .length = 4096 };
	struct mmun_insert insert = {
		.size = sizeof(insert),
		.kind = MMUN_KIND_INTERVAL,
		.spans = (unsigned long)&span,
		.count = 1,
	};
	struct mmun_record record;
	int fd = open("/dev/mmun", O_RDWR);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	span.start = (unsigned long)page;
	if (fd < 0 || ioctl(fd, MMUN_INSERT, &insert))
		err(1, "/dev/mmun");
	munmap(page, 4096);
	if (read(fd, &record, sizeof(record)) != sizeof(record))
		err(1, "read");
	printf("%s unmapped [%llx, %llx), event %u, sequence %llu\n",
	       record.comm, record.start, record.end, record.event,
	       record.cur_seq);
	return 0;
}
